#include "drift.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "custom_provider.h"
#include "fingerprint.h"
#include "json_write.h"
#include "known_variables.h"
#include "shown.h"
#include "snapshot_format.h"
#include "source.h"

void drift_add(struct drift *drift, struct finding finding)
{
    void *items = drift->items;
    arena_grow(drift->arena, &items, &drift->capacity, drift->count + 1, sizeof finding);
    drift->items = items;
    drift->items[drift->count++] = finding;
}

void drift_assignments_add(struct arena *arena, struct assignments *all, struct assignment assignment)
{
    void *items = all->items;
    arena_grow(arena, &items, &all->capacity, all->count + 1, sizeof assignment);
    all->items = items;
    all->items[all->count++] = assignment;
}

/* Variables that the configuration itself names: `key_env` of a custom provider, `credential_pool_sources`. */
static bool named_in_configuration(const struct drift *drift, const char *name)
{
    const struct custom_providers *customs = &drift->c->customs;
    const struct node *sources = node_get(drift->c->config, "credential_pool_sources");
    for (size_t i = 0; i < customs->count; i++) {
        const struct pair *variable = custom_provider_variable(&customs->items[i]);
        const char *named = variable == NULL ? NULL : node_string(variable->value);
        if (named != NULL && strcmp(named, name) == 0)
            return true;
    }
    for (size_t i = 0; node_is(sources, NODE_MAP) && i < sources->pair_count; i++) {
        const struct node *list = sources->pairs[i].value;
        for (size_t k = 0; node_is(list, NODE_SEQUENCE) && k < list->count; k++)
            if (node_string(list->items[k]) != NULL && strcmp(node_string(list->items[k]), name) == 0)
                return true;
    }
    return false;
}

bool drift_watched(const struct drift *drift, const char *name)
{
    size_t len = strlen(name);
    if (known_variables_secret(name, len))
        return true;
    for (size_t i = 0; i < provider_table_count; i++) {
        const struct provider_row *row = &provider_table[i];
        if (row->base_url_env != NULL && strcmp(row->base_url_env, name) == 0)
            return true;
        for (size_t k = 0; row->key_envs[k] != NULL; k++)
            if (strcmp(row->key_envs[k], name) == 0)
                return true;
    }
    return named_in_configuration(drift, name);
}

/* COMMAND with NAME for each `{}` in it. */
static const char *fill(struct arena *arena, const char *command, const char *name)
{
    struct text out = {.arena = arena};
    for (const char *hole; (hole = strstr(command, "{}")) != NULL; command = hole + 2) {
        text_append(&out, command, (size_t)(hole - command));
        text_puts(&out, name);
    }
    text_puts(&out, command);
    return out.bytes;
}

static const char *fingerprint_text(struct drift *drift, const char *value, size_t len)
{
    return value == NULL ? NULL : arena_strdup(drift->arena, fingerprint_of(value, len).text);
}

void drift_assignment(struct drift *drift, const struct assignment *a)
{
    const struct binding *bound = environment_get(&drift->c->environment, a->name);
    bool same =
        bound != NULL && a->value != NULL && bound->len == a->len && memcmp(bound->value, a->value, a->len) == 0;
    if (same || (a->value != NULL ? a->len == 0 : bound != NULL) || !drift_watched(drift, a->name))
        return;
    const char *name = shown_name(drift->arena, a->name);
    bool showable = strcmp(name, a->name) == 0;
    struct finding finding = {.where = a->where, .variable = name, .found = fingerprint_text(drift, a->value, a->len)};
    if (bound == NULL) {
        finding.matters = true;
        finding.message = "no env file sets it: whoever starts from here uses a key that no other program has";
        finding.help = a->move;
    } else {
        finding.expected = fingerprint_text(drift, bound->value, bound->len);
        finding.message = arena_printf(drift->arena, "%s says otherwise, and wins",
                                       diagnostic_place_text(drift->arena, bound->place));
        finding.help = a->drop;
    }
    finding.help = showable ? fill(drift->arena, finding.help, name) : "look there: its name may hold a key";
    drift_add(drift, finding);
}

static bool same_folder(const char *a, const char *b)
{
    struct stat left;
    struct stat right;
    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

bool drift_this_home(const struct drift *drift, const char *hermes_home, const char *user_home)
{
    if (hermes_home != NULL && *hermes_home != '\0')
        return same_folder(hermes_home, drift->home);
    return user_home != NULL && same_folder(arena_printf(drift->arena, "%s/.hermes", user_home), drift->home);
}

/* A pool that this program leaves alone lacks its keys: Hermes goes on with what is in there. */
static void look_at_pool(struct drift *drift)
{
    for (size_t i = 0; i < drift->c->diagnostics.count; i++) {
        const struct diagnostic *d = drift->c->diagnostics.items[i];
        const struct source *source = d->place.source;
        bool says_why =
            source != NULL && source->kind == SOURCE_POOL && (source->refused || strncmp(d->code, "pool-", 5) == 0);
        if (says_why && d->severity != SEVERITY_HINT)
            drift_add(drift, (struct finding){
                                 .where = source->label,
                                 .matters = true,
                                 .message = d->message,
                                 .help = arena_printf(drift->arena, "hermes-compile --explain-code %s", d->code)});
    }
}

static void look_at_derived(struct drift *drift)
{
    const struct compilation *c = drift->c;
    const char *help = arena_printf(drift->arena, "hermes-compile --home %s", drift->home);
    if (c->plan.first || c->plan.changed)
        drift_add(drift, (struct finding){.where = SNAPSHOT_FILE,
                                          .matters = true,
                                          .message = c->plan.first ? "there is none that can be used"
                                                                   : "older than its sources",
                                          .help = help});
    for (const char *line = c->publication.pool_plan.bytes; line != NULL && *line != '\0';) {
        line += strncmp(line, "auth.json: ", 11) == 0 ? 11 : 0;
        size_t len = strcspn(line, "\n");
        drift_add(drift, (struct finding){.where = "auth.json",
                                          .matters = true,
                                          .message = arena_strndup(drift->arena, line, len),
                                          .help = help});
        line += len + (line[len] == '\n');
    }
}

static void look_at_shell(struct drift *drift)
{
    for (const char *const *item = drift->shell; item != NULL && *item != NULL; item++) {
        const char *equals = strchr(*item, '=');
        if (equals == NULL)
            continue;
        drift_assignment(drift,
                         &(struct assignment){
                             .where = "this shell",
                             .name = arena_strndup(drift->arena, *item, (size_t)(equals - *item)),
                             .value = equals + 1,
                             .len = strlen(equals + 1),
                             .move = arena_printf(drift->arena, "printenv {} | sed 's/^/{}=/' >> %s/.env", drift->home),
                             .drop = "unset {}"});
    }
}

static void look_at_manager(struct drift *drift)
{
    for (size_t i = 0; i < drift->manager.count; i++)
        drift_assignment(drift, &drift->manager.items[i]);
}

struct drift drift_find(const struct compilation *c, const char *home, const char *const *shell)
{
    const char *user_home = getenv("HOME");
    struct drift drift = {.arena = c->arena, .c = c, .home = home, .user_home = "", .shell = shell};
    if (user_home != NULL)
        drift.user_home = user_home;
    drift.departed = departed_read(c->arena, home);
    struct drift_manager_question question = drift_manager_ask(); /* it thinks while we look elsewhere */
    look_at_derived(&drift);
    look_at_pool(&drift);
    drift_watcher(&drift);
    drift_processes(&drift);
    look_at_shell(&drift);
    drift_startup_files(&drift);
    drift_manager_answer(&drift, &question);
    look_at_manager(&drift);
    drift_units(&drift);
    return drift;
}

void drift_print(const struct drift *drift, FILE *stream)
{
    for (size_t i = 0; i < drift->count; i++) {
        const struct finding *f = &drift->items[i];
        (void)fprintf(stream, "%s: %s", f->where, f->matters ? "" : "(harmless now) ");
        if (f->variable != NULL && f->found != NULL)
            (void)fprintf(stream, "%s is %s%s%s; ", f->variable, f->found, f->expected != NULL ? ", not " : "",
                          f->expected != NULL ? f->expected : "");
        else if (f->variable != NULL)
            (void)fprintf(stream, "%s is set; ", f->variable);
        (void)fprintf(stream, "%s\n  help: %s\n", f->message, f->help);
    }
}

void drift_json(struct text *out, const struct drift *drift)
{
    json_write_name(out, "findings");
    text_putc(out, '[');
    for (size_t i = 0; i < drift->count; i++) {
        const struct finding *f = &drift->items[i];
        json_write_item(out);
        text_putc(out, '{');
        json_write_member(out, "where", f->where);
        if (f->variable != NULL)
            json_write_member(out, "variable", f->variable);
        if (f->found != NULL)
            json_write_member(out, "found", f->found);
        if (f->expected != NULL)
            json_write_member(out, "expected", f->expected);
        json_write_truth(out, "matters", f->matters);
        json_write_member(out, "message", f->message);
        json_write_member(out, "help", f->help);
        text_putc(out, '}');
    }
    text_putc(out, ']');
}
