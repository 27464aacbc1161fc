/* `auth.json`: the credential pool that Hermes owns and in which we own the entries whose source starts with
 * `manual:hermes-watch:`.
 *
 * All are pure: text in, text out. The lock and the replacing are in publish.c. Nothing that is not ours is
 * ever reprinted: changed spans are spliced into the original text. */
#ifndef HERMES_POOL_H
#define HERMES_POOL_H

#include "cooldown.h"
#include "provider.h"
#include "custom_provider.h"
#include "replace.h"

#define POOL_OUR_SOURCE "manual:hermes-watch:"

struct pool_input {
    struct source *source; /* auth.json; it need not exist */
    const struct providers *providers;
    struct cooldowns *cooldowns; /* the memory of exhausted keys; it is updated from what the pool says */
    double now;                  /* seconds since the epoch, given from outside so that the function stays pure */
    bool only_check;             /* for diagnostics and cooldowns alone: what would be new is not made */
    bool shared;                 /* the home has profiles, which read this pool where they have none */
};

struct pool_projection {
    const struct piece *pieces; /* what auth.json shall be; none when it is right as it is (or must be left alone) */
    size_t count;
    struct text changes; /* one line per change, for people: "xiaomi: added sha256:... (config.yaml model.api_key)" */
};

/* Brings our entries in line with the providers and mends the stale state of those that Hermes seeds. Pools that are
 * left alone get a warning. The pieces lie in the source's bytes and in the arena. */
struct pool_projection pool_project(struct arena *arena, const struct pool_input *in, struct diagnostics *diagnostics);

#endif
