/* Cooldowns belong to keys, not to the entries that they were noted in. */
#ifndef HERMES_POOL_STATES_H
#define HERMES_POOL_STATES_H

#include "must_check.h"
#include "pool_projector.h"

/* Puts STATE of a key into the memory of cooldowns, where there is something to remember. POOLED: an entry holds the
 * key from now on. */
void pool_states_remember(struct projector *p, const struct entry_state *state, const char *fingerprint, bool pooled);
void pool_states_adopt(struct projector *p);
/* Those of which nothing is in doubt any more; once, before the first provider. NOW: seconds since the epoch. */
void pool_states_drop_old_rotations(struct cooldowns *cooldowns, double now);
void pool_states_part_from_old_keys(struct projector *p);
void pool_states_note(struct projector *p);
/* NULL when no entry holds that key. */
struct word *pool_states_word_of(const struct projector *p, const char *fingerprint) MUST_CHECK;
/* The latest marking that the pool has of a key, or NULL, and whether its word counts. */
const struct entry_state *pool_states_word(const struct projector *p, const char *fingerprint, bool *ret_known);
/* The pool's word, else the memory's. */
struct entry_state pool_states_of_key(struct projector *p, const char *fingerprint);
/* An entry that Hermes seeds holds another key than its source. */
bool pool_states_key_changed(const struct entry *entry);

#endif
