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

/* An entry of somebody else's, as far as the order of credentials depends on it. */
struct pool_entry {
    const char *provider; /* the pool's key: "xiaomi", "custom:my-llm" */
    const char *id;
    const char *label;
    const char *source;
    const char *secret; /* access_token, or NULL when it is not on disk */
    bool oauth;
    const struct source *root; /* a profile's, and it stands in the root's auth.json: that one; else NULL */
};

struct pool_view {
    struct pool_entry *entries; /* per provider in the order in which Hermes would take them; never ours */
    size_t count;
    size_t capacity;
    /* suppressed_sources, as pairs */
    struct pool_suppression {
        const char *provider;
        const char *source;
    } * suppressed;
    size_t suppressed_count;
    size_t suppressed_capacity;
    bool unreadable; /* a warning says why; the pool is to be left alone */
};

/* What auth.json holds, but for pools of custom providers that are none of CUSTOMS. An absent source is an empty view. */
struct pool_view pool_read(struct arena *arena, struct source *source, const struct custom_providers *customs,
                           struct diagnostics *diagnostics);

/* Where a profile has no entry of a provider, Hermes reads those of the root's auth.json: adds them. */
void pool_inherit(struct arena *arena, struct pool_view *view, struct source *root, struct diagnostics *diagnostics);

/* Hermes numbers Anthropic's entries anew at every load: manual ones first, then by their source, whatever their priority
 * was. The place of a source that is not manual, from 1 on; 0 for every other provider. */
size_t pool_source_rank(const char *provider, const char *source);

bool pool_suppressed(const struct pool_view *view, const char *provider, const char *source);

struct pool_input {
    struct source *source; /* auth.json; it need not exist */
    const struct providers *providers;
    struct cooldowns *cooldowns; /* the memory of exhausted keys; it is updated from what the pool says */
    double now;                  /* seconds since the epoch, given from outside so that the function stays pure */
    bool only_check;             /* for diagnostics and cooldowns alone: what would be new is not made */
};

struct pool_projection {
    const struct piece *pieces; /* what auth.json shall be; none when it is right as it is (or must be left alone) */
    size_t count;
    struct text changes; /* one line per change, for people: "xiaomi: added sha256:... (config.yaml model.api_key)" */
};

/* Brings our entries in line with the providers and mends the stale state of those that Hermes seeds. Pools that are left
 * alone get a warning. The pieces lie in the source's bytes and in the arena. */
struct pool_projection pool_project(struct arena *arena, const struct pool_input *in, struct diagnostics *diagnostics);

#endif
