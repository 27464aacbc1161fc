/* The table of machines: who has which revision in force, and who is behind. */
#ifndef HERMES_FLEET_STATUS_H
#define HERMES_FLEET_STATUS_H

#include "fleet.h"
#include "must_check.h"

/* EXIT_OK, EXIT_DIFFERS when a machine is behind or in trouble, or another status after a message. */
int fleet_status(struct fleet *fleet, bool json) MUST_CHECK;

#endif
