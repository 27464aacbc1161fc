/* --reset: clears cooldowns by hand, in the pool (as `hermes auth reset` does) and in the memory of keys. */
#ifndef HERMES_RESET_H
#define HERMES_RESET_H

#include "must_check.h"
#include "text.h"
#include "cooldown.h"
#include "diagnostic.h"
#include "source.h"

struct reset {
    const char *provider;    /* canonical id; NULL: all */
    const char *fingerprint; /* NULL: all keys */
};

/* What auth.json shall be, or NULL when nothing in it is cooling. A line for each key that is cleared goes to LINES.
 * The memory forgets them, too. Pure. */
const char *reset_pool(struct arena *arena, struct source *source, const struct reset *what,
                       struct cooldowns *cooldowns, double now, struct text *lines, struct diagnostics *diagnostics);

/* The same on disk, under Hermes's lock. False after a diagnostic. */
bool reset_home(struct arena *arena, const char *home, const struct reset *what, int lock_wait_ms, struct text *lines,
                struct diagnostics *diagnostics) MUST_CHECK;

#endif
