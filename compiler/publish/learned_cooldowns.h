/* What the fleet knows of keys that this home has (compiled/fleet-cooldowns.json), for the pool: each observation once,
 * so that a reset by hand stays one. */
#ifndef HERMES_LEARNED_COOLDOWNS_H
#define HERMES_LEARNED_COOLDOWNS_H

#include "cooldown.h"
#include "provider.h"

/* Adds to COOLDOWNS, the memory, what is new. */
void learned_cooldowns_add(struct cooldowns *cooldowns, const char *home, const struct providers *providers);

#endif
