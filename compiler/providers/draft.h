/* Providers while they are being put together: resolve and its helpers add keys to them, one source after the other. */
#ifndef HERMES_DRAFT_H
#define HERMES_DRAFT_H

#include "must_check.h"
#include "name_table.h"
#include "resolve.h"

struct draft {
    struct provider provider; /* first: a list of drafts is one of providers */
    struct name_table *keys;  /* the credentials by fingerprint, where there are more than a few; else NULL */
    bool lent_elsewhere;      /* it was said that a key of the root's is for another URL */
};

struct resolver {
    struct arena *arena;
    const struct resolve_input *in;
    struct diagnostics *diagnostics;
    struct provider **providers; /* each of them is a draft */
    size_t count;
    size_t capacity;
    struct name_table ids;
    struct text path; /* of what is read at this moment */
};

/* The draft that one of the resolver's providers is. */
struct draft *draft_of(struct provider *provider) MUST_CHECK;
/* NULL when there is none yet. */
struct draft *draft_find(struct resolver *r, const char *id) MUST_CHECK;
/* The one of that id, made when there is none. ROW: of the provider table, or NULL. */
struct draft *draft_for(struct resolver *r, const char *id, const struct provider_row *row) MUST_CHECK;

/* The credential of that key, or NULL. */
struct credential *draft_find_key(struct draft *draft, const struct fingerprint *fingerprint) MUST_CHECK;
/* SECRET, which lies in the arena, is stripped and usable; the key of ORIGIN is copied. The same key again is one
 * credential with one more origin. */
struct credential *draft_add_key(struct resolver *r, struct draft *draft, enum credential_rank rank, const char *secret,
                                 size_t len, struct origin origin);
/* KEY lasts. */
void draft_add_origin(struct resolver *r, struct credential *credential, struct place place, const char *key);
void draft_add_seed(struct resolver *r, struct draft *draft, struct seed seed);

/* The base URL of a provider of the table: its variable's, or else the table's. */
const char *draft_table_url(const struct resolver *r, const struct provider_row *row);

#endif
