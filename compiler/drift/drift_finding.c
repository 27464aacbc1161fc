#include "drift_finding.h"

#include <string.h>
#include <sys/stat.h>

#include "known_variables.h"
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
