/* Providers while they are being put together: resolve and its helpers add keys to them, one source after the other. */
#ifndef HERMES_DRAFT_H
#define HERMES_DRAFT_H

#include "must_check.h"
#include "name_table.h"
#include "resolve.h"

struct draft {
    struct provider provider; /* first: a list of drafts is one of providers */
    struct name_table *keys;  /* the credentials by fingerprint, where there are more than a few; else NULL */
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

/* In all of these SECRET lies in the arena, and the key of ORIGIN is copied.
 *
 * SECRET is stripped and usable. The same key again is one credential with one more origin. */
struct credential *draft_add_key(struct resolver *r, struct draft *draft, enum credential_rank rank, const char *secret,
                                 size_t len, struct origin origin);
/* A key that config.yaml writes out. Says why it is none. An empty one is simply not there. */
void draft_add_config_key(struct resolver *r, struct draft *draft, enum credential_rank rank, const struct node *node,
                          const char *path);
/* The value of a variable, if it is set and usable. */
void draft_add_variable(struct resolver *r, struct draft *draft, enum credential_rank rank, const char *name);
/* NODE, which stands at PATH, names a variable that no file sets: it is to be set, or a source of secrets does that. */
void draft_report_unset_variable(struct resolver *r, struct draft *draft, const struct node *node, const char *path,
                                 const char *name);
void draft_note_shadowed(struct resolver *r, struct draft *draft, const char *secret, size_t len, struct origin origin);
/* Says that the key at ORIGIN is not the draft's first one. */
void draft_warn_shadowed(struct resolver *r, const struct draft *draft, struct origin origin,
                         const struct fingerprint *fingerprint);
/* A key that stands behind the draft's first one, in the same entry: the same key is one more origin of it, another one
 * is shadowed, with a warning. */
void draft_shadow_key(struct resolver *r, struct draft *draft, const char *secret, size_t len, struct origin origin);
/* The key at ORIGIN stands under a name for which the file of WINNER has another one: it stays visible. */
void draft_shadow_outvoted(struct resolver *r, struct draft *draft, struct place winner, const char *secret, size_t len,
                           struct origin origin);
void draft_add_seed(struct resolver *r, struct draft *draft, struct seed seed);

/* The base URL of a provider of the table: its variable's, or else the table's. */
const char *draft_table_url(const struct resolver *r, const struct provider_row *row);

#endif
