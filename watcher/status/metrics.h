/* compiled/metrics.prom: how a home is, in the text form of Prometheus, for node_exporter's textfile collector. Moments
 * are timestamps, not ages, so that the file only changes when something happens. */
#ifndef HERMES_METRICS_H
#define HERMES_METRICS_H

#include "status_json.h"

/* What the metrics read beside the state. */
struct metrics_source {
    const char *const *paths; /* of the files that the compile reads */
    size_t path_count;
    struct hermes *reader; /* of the snapshot in force; NULL: none, or it is in use */
};

/* RUNNING: the home is watched. Returns when the first key that cools now is usable again, in seconds since the epoch;
 * INFINITY: none does. */
double metrics_put(struct text *out, const struct home_state *state, const struct status_times *times,
                   const struct metrics_source *source, bool running);

#endif
