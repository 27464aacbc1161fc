/* The fleet of a home, opened: what its configuration says, its key, its etcd, and the copy that the home has.
 *
 *     struct fleet fleet;
 *     if (fleet_open(&fleet, arena, home, managed) != EXIT_OK) ...      it has been said on standard error why
 *     int status = fleet_offered(&fleet, &offered);
 *     fleet_close(&fleet);
 */
#ifndef HERMES_FLEET_H
#define HERMES_FLEET_H

#include "compile.h"
#include "etcd.h"
#include "fleet_copy.h"
#include "must_check.h"

struct fleet {
    struct arena *arena;
    const char *home;
    const char *managed;
    struct compilation compilation; /* holds the settings */
    const struct fleet_settings *settings;
    const struct fleet_key *key;
    struct etcd_access access;
    struct etcd *etcd;
    struct fleet_revision own; /* of the home's copy; number 0: it has none */
    const char *own_cluster;
};

/* EXIT_OK, or the status to end with after a message. MANAGED: the managed directory. */
int fleet_open(struct fleet *fleet, struct arena *arena, const char *home, const char *managed) MUST_CHECK;
void fleet_close(struct fleet *fleet);

/* What etcd offers to the fleet. */
struct fleet_offer {
    bool present;             /* something lies there */
    struct etcd_value sealed; /* that */
    const char *trouble;      /* why it is no revision, to be said behind "etcd's env file"; NULL: it is one */
    struct fleet_revision revision;
};

/* What VALUE, which lies in etcd at PLACE (below the fleet's prefix), is. */
struct fleet_offer fleet_offer_of(const struct fleet *fleet, struct arena *arena, const char *place,
                                  const struct etcd_value *value);
/* 0 or an enum etcd_error. */
int fleet_offered(struct fleet *fleet, struct fleet_offer *ret) MUST_CHECK;

/* "/hermes-watch/prod/WHAT" */
const char *fleet_place(const struct fleet *fleet, const char *what);
/* All that lies below WHAT, which ends with a slash. */
int fleet_range(struct fleet *fleet, struct arena *arena, const char *what, struct etcd_values *ret) MUST_CHECK;
/* The end of that range. */
const char *fleet_range_end(struct arena *arena, const char *place);

/* Says etcd's trouble on standard error. The status to end with. */
int fleet_say_trouble(const struct fleet *fleet, int error) MUST_CHECK;

#endif
