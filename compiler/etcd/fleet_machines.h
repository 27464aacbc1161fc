/* All machines of a fleet. */
#ifndef HERMES_FLEET_MACHINES_H
#define HERMES_FLEET_MACHINES_H

#include "fleet.h"
#include "fleet_machine.h"
#include "must_check.h"

struct fleet_machines {
    struct fleet_machine *items; /* sorted by host and home */
    size_t count;
    size_t unread; /* records that do not open */
};

/* 0 or an enum etcd_error. */
int fleet_machines_read(struct fleet *fleet, struct fleet_machines *ret) MUST_CHECK;
/* The highest revision that one of them has in force; 0: none. */
long long fleet_machines_newest(const struct fleet_machines *machines);

#endif
