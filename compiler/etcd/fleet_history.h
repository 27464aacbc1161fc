/* The revisions that etcd keeps, and the way back to one of them. */
#ifndef HERMES_FLEET_HISTORY_H
#define HERMES_FLEET_HISTORY_H

#include "fleet.h"
#include "must_check.h"

/* Prints them, the newest first. The status to end with. */
int fleet_history(struct fleet *fleet, bool json) MUST_CHECK;
/* Pushes the text of revision NUMBER (a text: "9") as a new one. */
int fleet_history_rollback(struct fleet *fleet, const char *number, bool json) MUST_CHECK;

#endif
