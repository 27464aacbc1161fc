#include "drift_finding.h"

#include <string.h>
#include <sys/stat.h>

#include "known_variables.h"
#include "shell_word.h"
#include "shown.h"

void drift_add(struct drift *drift, struct finding finding)
{
    ARENA_GROW(drift->arena, drift->items, drift->capacity, drift->count + 1);
    drift->items[drift->count++] = finding;
}

void drift_assignments_add(struct arena *arena, struct assignments *all, struct assignment assignment)
{
    ARENA_GROW(arena, all->items, all->capacity, all->count + 1);
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

/* What needs no quotes, neither in a shell nor in an env file. */
static bool simple(const struct assignment *a)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~+/=:@%,-";
    return a->value != NULL && a->len > 0 && strspn(a->value, allowed) == a->len;
}

static bool takes(const struct provider *provider, const char *name)
{
    for (size_t k = 0; provider->row != NULL && provider->row->key_envs[k] != NULL; k++)
        if (strcmp(provider->row->key_envs[k], name) == 0)
            return provider->credential_count > 0;
    return provider->row != NULL && provider->row->base_url_env != NULL && provider->url_is_explicit &&
           strcmp(provider->row->base_url_env, name) == 0;
}

/* The sources give its provider another key, or URL: in an env file NAME would come after it. */
static bool would_lose(const struct drift *drift, const char *name)
{
    for (size_t i = 0; i < drift->c->providers.count; i++)
        if (takes(drift->c->providers.items[i], name))
            return true;
    return false;
}

/* Appends it to .env unless that has it by now; on a line of its own, and readable by nobody else. */
static const char *adopt(struct drift *drift, const struct assignment *a)
{
    const char *env = shell_word(drift->arena, arena_printf(drift->arena, "%s/.env", drift->home));
    return arena_printf(drift->arena, "grep -qs '^{}=' %s || (umask 077; { echo; %s; } >>%s)%s%s", env, a->print, env,
                        a->stays ? "" : " && ", a->stays ? "" : a->drop);
}

static void no_source_has_it(struct drift *drift, struct finding *finding, const struct assignment *a)
{
    const char *by_hand = a->by_hand != NULL ? a->by_hand : "remove {} there";
    finding->matters = true;
    if (would_lose(drift, a->name)) {
        finding->message = "no env file sets it, and its provider has another key";
        finding->help = a->drop != NULL ? a->drop : by_hand;
        return;
    }
    finding->message = "no env file sets it: programs started from here use a key that no other program has";
    finding->by_hand =
        arena_printf(drift->arena, "write the right {} to %s/.env by hand, then %s", drift->home, by_hand);
    bool movable = a->print != NULL && (a->stays || a->drop != NULL) && simple(a);
    finding->help = movable ? adopt(drift, a) : finding->by_hand;
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
        no_source_has_it(drift, &finding, a);
    } else {
        finding.expected = fingerprint_text(drift, bound->value, bound->len);
        finding.message =
            arena_printf(drift->arena, "%s differs and wins", diagnostic_place_text(drift->arena, bound->place));
        finding.help = a->drop != NULL ? a->drop : a->by_hand != NULL ? a->by_hand : "remove {} there";
    }
    finding.help = showable ? fill(drift->arena, finding.help, name) : "look there; its name may contain a key";
    if (finding.by_hand != NULL)
        finding.by_hand = showable ? fill(drift->arena, finding.by_hand, name) : finding.help;
    drift_add(drift, finding);
}

static bool disagree(const struct finding *a, const struct finding *b)
{
    return a->by_hand != NULL && b->by_hand != NULL && strcmp(a->variable, b->variable) == 0 &&
           (a->found == NULL || b->found == NULL || strcmp(a->found, b->found) != 0);
}

void drift_settle(struct drift *drift)
{
    for (size_t i = 0; i < drift->count; i++)
        for (size_t k = 0; k < drift->count; k++)
            if (i != k && disagree(&drift->items[i], &drift->items[k]))
                drift->items[i].help = drift->items[i].by_hand;
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
