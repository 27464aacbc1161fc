#include "variable_check.h"

#include <string.h>

#include "known_variables.h"
#include "near_name.h"
#include "plain_name.h"
#include "shown.h"

static bool sounds_like_a_key(const char *name)
{
    return strcasestr(name, "KEY") != NULL || strcasestr(name, "TOKEN") != NULL;
}

#define NAME "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* `$env:NAME`, `"NAME"`: what another program takes for the variable is a part of the name to Hermes. */
static const char *known_inside(struct arena *arena, const char *name)
{
    const char *start = strpbrk(name, NAME);
    for (size_t len; start != NULL; start = strpbrk(start + len, NAME)) {
        len = strspn(start, NAME);
        if (len < strlen(name) && known_variables_secret(start, len))
            return arena_strndup(arena, start, len);
    }
    return NULL;
}

static const char *nearest_known(const char *name)
{
    struct near_name near = {.written = name};
    for (size_t i = 0; known_variables_name(i) != NULL; i++) {
        const char *known = known_variables_name(i);
        if ((known[0] | 0x20) == (name[0] | 0x20) && known_variables_secret(known, strlen(known)))
            near_name_consider(&near, known);
    }
    return near.best;
}

void variable_check(const struct environment *environment, struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < environment->count; i++) {
        const struct binding *binding = &environment->items[i];
        if (!sounds_like_a_key(binding->name) || known_variables_has(binding->name, strlen(binding->name)))
            continue;
        const char *known = known_inside(diagnostics->arena, binding->name);
        known = known != NULL ? known : nearest_known(binding->name);
        if (known == NULL || environment_get(environment, known) != NULL)
            continue;
        struct diagnostic *d =
            diagnostic_add(diagnostics, CODE_UNKNOWN_VARIABLE, binding->place,
                           "unknown variable %s (Hermes ignores it)", shown_name(diagnostics->arena, binding->name));
        diagnostic_help(diagnostics, d, "did you mean `%s`?", known);
        if (d != NULL)
            d->variable = known;
    }
}

/* NAME without what it ends with as the name of a key. */
static size_t stem_length(const char *name)
{
    static const char *const ends[] = {"_API_KEY", "_APIKEY", "_API_TOKEN", "_KEY", "_TOKEN", "_SECRET", "_API"};
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (len > strlen(ends[i]) && strcasecmp(name + len - strlen(ends[i]), ends[i]) == 0)
            return len - strlen(ends[i]);
    return 0;
}

const char *variable_check_sister(const struct environment *environment, const char *name)
{
    size_t stem = stem_length(name);
    for (size_t i = 0; stem > 0 && i < environment->count; i++) {
        const char *other = environment->items[i].name;
        if (stem_length(other) == stem && strncasecmp(other, name, stem) == 0 && strcmp(other, name) != 0)
            return other;
    }
    return NULL;
}

const char *variable_check_near(const struct environment *environment, const char *name)
{
    struct near_name near = {.written = name};
    for (size_t i = 0; i < environment->count; i++)
        if (plain_name(environment->items[i].name, strlen(environment->items[i].name)))
            near_name_consider(&near, environment->items[i].name);
    return near.best;
}
