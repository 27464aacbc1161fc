/* Entries of ours that a person took out of the pool, with `hermes auth remove` or by hand: they stay out. Nothing in
 * the pool says so. What does is the memory of what was written, and that nothing else has changed since: a Hermes up
 * to 0.16 that goes on with an older list loses our entry as well, but it writes because it has something to note. */
#ifndef HERMES_POOL_REMOVED_H
#define HERMES_POOL_REMOVED_H

#include "pool_projector.h"

/* Notes which entries were taken out, and warns of those that are; when the words are known. ARRAY: the pool's list, or
 * NULL. */
void pool_removed_look(struct projector *p, const struct json *array);
bool pool_removed_is(const struct projector *p, const struct credential *credential);
/* What stands in the pool after this compile. */
void pool_removed_note(struct projector *p);
/* When auth.json is written. */
void pool_removed_note_file(struct projector *p);

#endif
