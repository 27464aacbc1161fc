/* `compiled/fleet.sealed`: the last good revision of the fleet, as it lay in etcd, so that a compile is made of files
 * alone, and a machine starts while etcd is away. Derived, replaced as a whole, and still sealed.
 *
 *     hermes-fleet-copy 1
 *     fleet prod
 *     cluster 15118495548433857066      etcd's own number of itself
 *
 *     hwf1...                           what `sources/env` held */
#ifndef HERMES_FLEET_COPY_H
#define HERMES_FLEET_COPY_H

#include "fleet_revision.h"
#include "fleet_seal.h"
#include "must_check.h"
#include "snapshot_format.h"

struct fleet_copy {
    const char *fleet;
    const char *cluster;
    const char *sealed;
    size_t len;
};

/* The place in etcd of what belongs to FLEET: "/hermes-watch/prod/sources/env". */
const char *fleet_copy_place(struct arena *arena, const char *fleet, const char *what);

struct text fleet_copy_text(struct arena *arena, const struct fleet_copy *copy);
bool fleet_copy_parse(struct arena *arena, const char *text, size_t len, struct fleet_copy *ret) MUST_CHECK;
/* NULL, or why it is no revision of FLEET, to be said behind a subject. */
const char *fleet_copy_open(struct arena *arena, const struct fleet_copy *copy, const struct fleet_key *key,
                            const char *fleet, struct fleet_revision *ret) MUST_CHECK;

#endif
