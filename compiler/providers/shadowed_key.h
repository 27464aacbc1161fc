/* Keys of a provider that do not go out, because another one stands before them: they stay visible, with a warning.
 *
 * In all of these SECRET lies in the arena, and the key of ORIGIN is copied. The same key as one that goes out is one
 * more origin of that one. */
#ifndef HERMES_SHADOWED_KEY_H
#define HERMES_SHADOWED_KEY_H

#include "draft.h"

void shadowed_key_note(struct resolver *r, struct draft *draft, const char *secret, size_t len, struct origin origin);
/* Says that the key at ORIGIN is not the draft's first one. */
void shadowed_key_warn(struct resolver *r, const struct draft *draft, struct origin origin,
                       const struct fingerprint *fingerprint);
/* A key that stands behind the draft's first one, in the same entry. */
void shadowed_key_add(struct resolver *r, struct draft *draft, const char *secret, size_t len, struct origin origin);
/* A variable that stands so. */
void shadowed_key_add_variable(struct resolver *r, struct draft *draft, const struct binding *binding);
/* The key at ORIGIN stands under a name for which the file of WINNER has another one. */
void shadowed_key_add_outvoted(struct resolver *r, struct draft *draft, struct place winner, const char *secret,
                               size_t len, struct origin origin);
/* What other files say of the variable of BINDING. */
void shadowed_key_add_hidden(struct resolver *r, struct draft *draft, const struct binding *binding);
/* USERS, at PATH of the user's config.yaml, where a managed file has WINNER; NULL: the user has none there. */
void shadowed_key_add_users(struct resolver *r, struct draft *draft, const struct node *winner,
                            const struct node *users, const char *path);

#endif
