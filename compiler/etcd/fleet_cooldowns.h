/* The keys that are exhausted somewhere in the fleet, as a table. */
#ifndef HERMES_FLEET_COOLDOWNS_H
#define HERMES_FLEET_COOLDOWNS_H

#include "fleet.h"
#include "must_check.h"

/* The status to end with. */
int fleet_cooldowns(struct fleet *fleet, bool json) MUST_CHECK;

#endif
