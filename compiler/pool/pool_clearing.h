/* What is set in an entry whose key is to start clean. */
#ifndef HERMES_POOL_CLEARING_H
#define HERMES_POOL_CLEARING_H

#include "pool_entry.h"

enum { POOL_CLEARING_EDITS = COOLDOWN_MEMBERS + 6 };

/* The members of ENTRY that say how its key was answered, each with the value that says nothing, and
 * `status_cleared_at`: NOW, by which a Hermes that runs lets go of what it remembers. The count of RET. The numbers lie
 * in ARENA. */
size_t pool_clearing(struct arena *arena, const char *text, const struct entry *entry, double now,
                     struct entry_edit ret[POOL_CLEARING_EDITS]);

#endif
