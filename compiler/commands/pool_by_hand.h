/* What a person asks to be done to the pool, --reset and --withdraw: under our lock and Hermes's own, auth.json and the
 * memory of keys are read, edited and written. */
#ifndef HERMES_POOL_BY_HAND_H
#define HERMES_POOL_BY_HAND_H

#include "must_check.h"
#include "text.h"
#include "cooldown.h"
#include "diagnostic.h"
#include "source.h"

struct pool_edit {
    /* What auth.json shall be, or NULL when it stays as it is. A line for each change goes to LINES; without one
     * nothing is written. */
    const char *(*edit)(void *data, struct source *pool, struct cooldowns *cooldowns, double now, struct text *lines,
                        struct diagnostics *diagnostics);
    void *data;
};

/* False after a diagnostic. */
bool pool_by_hand(struct arena *arena, const char *home, struct pool_edit edit, int lock_wait_ms, struct text *lines,
                  struct diagnostics *diagnostics) MUST_CHECK;

#endif
