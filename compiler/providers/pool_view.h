/* What the pool says to the resolver: the entries of others in auth.json, as pool_read makes them. */
#ifndef HERMES_POOL_VIEW_H
#define HERMES_POOL_VIEW_H

#include <stdbool.h>

#include "name_table.h"

struct source;

/* An entry of somebody else's, as far as the order of credentials depends on it. */
struct pool_view_entry {
    const char *provider; /* the pool's key: "xiaomi", "custom:my-llm" */
    const char *id;
    const char *label;
    const char *source;
    const char *secret;   /* access_token, or NULL when it is not on disk */
    const char *base_url; /* where Hermes sends that key; NULL or "": to the provider's */
    bool oauth;
    bool ours;                 /* of this program, in the root's */
    const struct source *root; /* a profile's, and it stands in the root's auth.json: that one; else NULL */
    uint32_t next;             /* of this provider: its index and 1; 0: this is the last one */
};

struct pool_view {
    struct pool_view_entry
        *entries; /* per provider in the order in which Hermes would take them; none of ours but the root's */
    size_t count;
    size_t capacity;
    struct name_table first; /* the first and the last entry of each provider */
    struct name_table last;
    /* suppressed_sources, as pairs */
    struct pool_suppression {
        const char *provider;
        const char *source;
    } * suppressed;
    size_t suppressed_count;
    size_t suppressed_capacity;
    bool login;      /* Hermes has logged in to some provider */
    bool unreadable; /* a warning says why; the pool is to be left alone */
};

void pool_view_add(struct arena *arena, struct pool_view *view, struct pool_view_entry entry);
/* The one of PROVIDER that follows AFTER, or the first one (AFTER is NULL); NULL behind the last. */
const struct pool_view_entry *pool_view_next(const struct pool_view *view, const char *provider,
                                             const struct pool_view_entry *after);
/* Somebody else than this program has an entry in that provider's pool; and one with a key. */
bool pool_view_has_others(const struct pool_view *view, const char *provider);
bool pool_view_has_others_key(const struct pool_view *view, const char *provider);

/* Hermes numbers Anthropic's entries anew at every load: manual ones first, then by their source, whatever their
 * priority was. The place of a source that is not manual, from 1 on; 0 for every other provider. */
size_t pool_view_source_rank(const char *provider, const char *source);
/* Hermes puts every manual entry of that provider, and so ours, before those that it seeds. */
bool pool_view_manual_first(const char *provider);

bool pool_view_suppressed(const struct pool_view *view, const char *provider, const char *source);

#endif
