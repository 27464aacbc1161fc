/* Drift inside hermes-watch: after a compile, when everything is said, somebody looks at who disagrees with the sources
 * (other processes, units, start-up files). Beside the loop, at most every few seconds for a home, one look at a time
 * in the whole process, and never for more than a tenth of the time. */
#ifndef HERMES_DRIFT_LOOK_H
#define HERMES_DRIFT_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "drift.h"
#include "jobs.h"
#include "must_check.h"
#include "watched_home.h"

/* FINDINGS live until it returns. */
typedef void drift_look_done(void *owner, const struct drift *findings);

/* Whose turn it is, once for all homes of a process. All zero to begin with. */
struct drift_turns {
    struct drift_look *looks;
    bool looking;        /* at one of them, beside the loop */
    uint64_t look_after; /* not before this, CLOCK_MONOTONIC */
};

struct drift_look {
    const struct watched_home *home;
    const char *managed;
    struct jobs *jobs;
    struct drift_turns *turns;
    struct drift_look *next; /* of the turns' */
    drift_look_done *done;
    void *owner;
    sd_event_source *timer;
    uint64_t looked; /* when the last look began, CLOCK_MONOTONIC */
    bool apart;      /* the home's file system may not answer: it takes nobody's turn. To be set by the owner */
    bool wanted;     /* as soon as the look at another home is over */
    struct look *under_way;
};

/* 0 or a negative errno. What is pointed at lives as long as LOOK. DONE: the sources are valid, and this disagrees. */
int drift_look_open(struct drift_look *look, const struct watched_home *home, const char *managed, struct jobs *jobs,
                    struct drift_turns *turns, drift_look_done *done, void *owner) MUST_CHECK;
/* A line for each finding, and one when there is none any more. */
void drift_look_say(const struct watched_home *home, const struct drift *findings);
/* Something changed. */
void drift_look_soon(struct drift_look *look);
void drift_look_close(struct drift_look *look);

#endif
