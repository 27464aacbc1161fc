/* Drift inside hermes-watch: after a compile, when everything is said, somebody looks at who disagrees with the sources
 * (other processes, units, start-up files). Beside the loop, at most every few seconds for a home, one look at a time
 * in the whole process, and never for more than a tenth of the time. */
#ifndef HERMES_DRIFT_LOOK_H
#define HERMES_DRIFT_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "compile.h"
#include "drift.h"
#include "job.h"

struct home_watch;

struct drift_look {
    sd_event_source *timer;
    uint64_t looked; /* when the last look began, CLOCK_MONOTONIC */
    bool wanted;     /* as soon as the look at another home is over */
    bool looking;    /* at this moment; what follows is in use */
    struct job job;
    struct compilation compilation;
    struct drift drift;
};

/* 0 or a negative errno. */
int drift_look_open(struct home_watch *h) __attribute__((warn_unused_result));
/* Something changed. */
void drift_look_soon(struct home_watch *h);
void drift_look_close(struct home_watch *h);

#endif
