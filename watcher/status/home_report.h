/* compiled/status.json and compiled/metrics.prom of a home: written after a compile, when everything else is done; at
 * once, but in the long run once a second at most, and only when they say something else than what stands there. That a
 * compile changed nothing is told where somebody asked for that compile: else whoever watches the folder, we among them,
 * would be woken for it. */
#ifndef HERMES_HOME_REPORT_H
#define HERMES_HOME_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

struct home_watch;

struct home_report {
    sd_event_source *timer;
    uint64_t paid_until;      /* each writing costs an interval: CLOCK_MONOTONIC */
    struct timespec compiled; /* the times that it told */
    struct timespec succeeded;
    bool wanted; /* also when nothing but the time is another one */
};

/* 0 or a negative errno. */
int home_report_open(struct home_watch *h) __attribute__((warn_unused_result));
/* The state has changed. */
void home_report_soon(struct home_watch *h);
/* Nobody watches the home from now on: the metrics say so, and no status is left behind. */
void home_report_close(struct home_watch *h);

#endif
