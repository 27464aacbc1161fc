/* What follows a compile of a home, in this order: whoever waits is told, people are told, and then everything that may
 * take its time: new keys are asked about, others hear of the publish, a unit is reloaded, the fleet is told. */
#ifndef HERMES_AFTER_COMPILE_H
#define HERMES_AFTER_COMPILE_H

#include "announce.h"
#include "fleet_child.h"
#include "prove.h"
#include "reload_unit.h"
#include "systemd_status.h"
#include "watched_home.h"

struct after_compile {
    const struct watched_home *home;
    struct systemd_status *systemd;
    char *said;     /* the diagnostics of the last compile: they are not repeated */
    bool said_kept; /* that the sources published nothing */
    struct prover prover;
    struct announcer announcer;
    struct reloader reloader;
    struct fleet_child fleet;
};

/* HOME and SYSTEMD live as long as A. LEARNED: see prove_open(). */
void after_compile_open(struct after_compile *a, const struct watched_home *home, struct systemd_status *systemd,
                        void (*learned)(void *owner), void *owner);
void after_compile_close(struct after_compile *a);

/* What follows may run out of memory halfway (memory.h): the next compile is then followed anew.
 *
 * After every compile that came to a result: all but COMPILE_BUSY, which is tried again at once. C lives until the call
 * returns; it has what changed per provider and fingerprint in c->plan.changes. */
void after_compile(struct after_compile *a, const struct compilation *c);
/* There is no home (yet, or any more). */
void after_compile_absence(struct after_compile *a);
/* The file system of PATH does not answer. */
void after_compile_hung(struct after_compile *a, const char *path);
/* Process HOLDER watches the home, and is waited for; 0: one that cannot be seen from here. */
void after_compile_taken(struct after_compile *a, pid_t holder);

#endif
