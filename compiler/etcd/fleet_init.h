/* A new fleet: its key file. */
#ifndef HERMES_FLEET_INIT_H
#define HERMES_FLEET_INIT_H

#include "must_check.h"

struct arena;

/* Makes ~/.config/hermes/NAME.fleet-key and prints how a home joins. NAME NULL: "prod". The status to end with. */
int fleet_init(struct arena *arena, const char *name) MUST_CHECK;

#endif
