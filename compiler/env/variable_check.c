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
        const char *known = nearest_known(binding->name);
        if (known == NULL || environment_get(environment, known) != NULL)
            continue;
        struct diagnostic *d =
            diagnostic_add(diagnostics, CODE_UNKNOWN_VARIABLE, binding->place,
                           "unknown variable %s (Hermes ignores it)", shown_name(diagnostics->arena, binding->name));
        diagnostic_help(diagnostics, d, "did you mean %s?", known);
    }
}

const char *variable_check_near(const struct environment *environment, const char *name)
{
    struct near_name near = {.written = name};
    for (size_t i = 0; i < environment->count; i++)
        if (plain_name(environment->items[i].name, strlen(environment->items[i].name)))
            near_name_consider(&near, environment->items[i].name);
    return near.best;
}
