/* This machine's own record in etcd (fleet_machine.h): written when it changes, at most once a second, and kept by a
 * lease of a minute, which is renewed three times in that time. */
#ifndef HERMES_FOLLOW_MACHINE_H
#define HERMES_FOLLOW_MACHINE_H

#include "fleet.h"
#include "fleet_machine.h"
#include "must_check.h"

/* What is wrong where follow_machine_sees() is true. */
#define FOLLOW_MACHINE_TWIN                                                                                            \
    "another machine has the same /etc/machine-id, host name and home: give the clone its own ID"

enum { FOLLOW_LEASE_S = 60, FOLLOW_RENEW_S = 20 };

struct machine_follower {
    struct fleet *fleet;
    char host[256];
    char instance[17];
    const char *place;         /* of the record */
    long long lease;           /* 0: none */
    long long renew;           /* when: clock_monotonic_us() */
    long long next;            /* not to be written before this */
    bool changed;              /* since it was written */
    bool twin;                 /* another machine has the same id */
    struct fleet_machine told; /* by hermes-watch; its texts are in `text` */
    char state[32];
    char since[32];
    char error[512];
    char refusal[512]; /* the revision that is offered is not taken, because of this; "": it is */
};

void follow_machine_open(struct machine_follower *follower, struct fleet *fleet);
/* A line of hermes-watch: {"generation": 7, "revision": 12, "state": "ok", "error": ""}. */
void follow_machine_learn(struct machine_follower *follower, const char *line, size_t len);
/* TROUBLE: why what is offered is not taken; "": it is. */
void follow_machine_refuse(struct machine_follower *follower, const char *trouble);
/* Somebody wrote to the record's place. True: it was another machine than this one, for the first time. */
bool follow_machine_sees(struct machine_follower *follower, struct arena *arena,
                         const struct etcd_value *value) MUST_CHECK;
/* Does what is due. 0 or an enum etcd_error; *RET_NEXT: when there is more to do. */
int follow_machine_turn(struct machine_follower *follower, struct arena *arena, long long *ret_next) MUST_CHECK;

#endif
