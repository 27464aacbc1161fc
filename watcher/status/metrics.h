/* compiled/metrics.prom: how a home is, in the text form of Prometheus, for node_exporter's textfile collector. Moments
 * are timestamps, not ages, so that the file only changes when something happens. */
#ifndef HERMES_METRICS_H
#define HERMES_METRICS_H

#include "home_watch.h"

/* RUNNING: the home is watched. Returns when the first key that cools now is usable again, in seconds since the epoch;
 * INFINITY: none does. */
double metrics_put(struct text *out, struct home_watch *h, bool running);

#endif
