#include "env_seed.h"

#include <string.h>

#include "blank.h"
#include "source.h"

static struct seed seed_of(struct arena *arena, const char *variable, const char *value, bool each_load)
{
    size_t len;
    const char *key = blank_strip(value, strlen(value), &len);
    return (struct seed){.kind = "env:",
                         .name = variable,
                         .secret = len == 0 ? NULL : arena_prefix(arena, key, len),
                         .each_load = each_load && len > 0};
}

static bool is_unknown_to_hermes(enum source_kind kind)
{
    return kind == SOURCE_EXTRA_ENV || kind == SOURCE_FLEET_ENV;
}

struct seed env_seed(struct arena *arena, const struct resolve_input *input, const char *variable)
{
    const struct binding *bound = environment_get(input->environment, variable);
    const struct binding *at_start = NULL;
    for (const struct binding *b = bound; b != NULL; b = b->hidden) {
        if (b->place.source != NULL && b->place.source->kind == SOURCE_ENV) {
            struct seed seed = seed_of(arena, variable, b->seeded != NULL ? b->seeded : b->value, true);
            seed.misread = b->seeded != NULL;
            return seed;
        }
        if (at_start == NULL && (b->place.source == NULL || !is_unknown_to_hermes(b->place.source->kind)))
            at_start = b;
    }
    struct seed seed = seed_of(arena, variable, at_start == NULL ? "" : at_start->value, false);
    seed.each_process = seed.secret != NULL && !input->old_processes && at_start->place.source != NULL &&
                        source_is_read_at_start(at_start->place.source);
    return seed;
}
