/* compiled/status.json and compiled/metrics.prom of a home: written after a compile, when everything else is done;
 * at once, but in the long run once a second at most, and only when they say something else than what stands there.
 * That a compile changed nothing is told where somebody asked for that compile: else whoever watches the folder, we
 * among them, would be woken for it. */
#ifndef HERMES_HOME_REPORT_H
#define HERMES_HOME_REPORT_H

#include "metrics.h"
#include "must_check.h"

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

/* What the metrics read at this moment. False: nothing may be written now; the owner asks again, if there is more to
 * come. */
typedef bool home_report_source(void *owner, struct metrics_source *ret);

struct home_report {
    const struct home_state *state;
    home_report_source *source;
    void *owner;
    sd_event_source *timer;
    uint64_t paid_until;      /* each writing costs an interval: CLOCK_MONOTONIC */
    struct status_times told; /* what the files have */
    struct timespec wanted; /* a compile after this is told also when nothing but its time is another one; zero: none */
    bool written;           /* by the last home_report_write() */
    double until;           /* when the metrics will be other ones by themselves */
};

/* 0 or a negative errno. STATE lives as long as the report. */
int home_report_open(struct home_report *report, sd_event *event, const struct home_state *state,
                     struct timespec started, home_report_source *source, void *owner) MUST_CHECK;
/* The state has changed. */
void home_report_soon(struct home_report *report);
/* So has only the time of the last look at drift. */
void home_report_looked(struct home_report *report);
/* Writes what is to be written of STATE, which may be a copy. In another thread only where the source has said false,
 * and home_report_written() then follows in the loop. */
void home_report_write(struct home_report *report, const struct home_state *state, const struct metrics_source *source);
void home_report_written(struct home_report *report);
/* status.json alone, at once: the metrics ask files that do not answer. */
void home_report_status(struct home_report *report);
/* Also when nothing but the time of the compile that comes is another one. */
void home_report_want(struct home_report *report);
/* Nobody watches the home from now on: the metrics say so, and no status is left behind. LAST: what the metrics read;
 * NULL: the files are not ours. */
void home_report_close(struct home_report *report, const struct metrics_source *last);

#endif
