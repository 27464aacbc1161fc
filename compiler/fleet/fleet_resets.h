/* `compiled/fleet.resets`: resets by hand in this home that its fleet is still to hear of, a line each: a provider and
 * a fingerprint, `*` for all of them. */
#ifndef HERMES_FLEET_RESETS_H
#define HERMES_FLEET_RESETS_H

#include <stdbool.h>

#include "must_check.h"

struct arena;

/* Adds one, and wakes whoever tells the fleet. PROVIDER, FINGERPRINT: NULL for all. Nothing happens in a home without a
 * copy of a fleet's revision. 0 or a negative errno. */
int fleet_resets_add(struct arena *arena, const char *home, const char *provider, const char *fingerprint) MUST_CHECK;
/* All that the fleet is still to hear of: what it knows of these keys is no news. "": nothing. */
const char *fleet_resets_pending(struct arena *arena, const char *home);
/* What is to be told, and stays to be told until fleet_resets_done(); NULL: nothing. */
const char *fleet_resets_take(struct arena *arena, const char *home);
bool fleet_resets_mean(const char *lines, const char *provider, const char *fingerprint);
void fleet_resets_done(struct arena *arena, const char *home);

#endif
