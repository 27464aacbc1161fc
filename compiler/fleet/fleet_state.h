/* `compiled/fleet.json`: how this machine stands with its fleet, for people and programs. hermes-fleet writes it while
 * it follows; it says nothing that a compile is made of. */
#ifndef HERMES_FLEET_STATE_H
#define HERMES_FLEET_STATE_H

#include <stdbool.h>

#include "must_check.h"

struct arena;

struct fleet_state {
    const char *fleet;
    long long revision;        /* of the copy in this home; 0: none */
    long long offered;         /* that etcd had last; 0: none */
    bool heard;                /* etcd is being listened to */
    const char *since;         /* from then on it is, or is not: as iso_time.h writes it */
    const char *refused_since; /* from then on OFFERED is not taken; "": it is */
    const char *trouble;       /* why OFFERED is not taken, or why nothing is heard; "": none */
};

/* 0 or a negative errno. */
int fleet_state_write(struct arena *arena, const char *home, const struct fleet_state *state) MUST_CHECK;
/* False: there is none, or none that can be understood. */
bool fleet_state_read(struct arena *arena, const char *home, struct fleet_state *ret) MUST_CHECK;

#endif
