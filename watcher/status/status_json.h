/* compiled/status.json: how a home is, for programs. No key is in it. */
#ifndef HERMES_STATUS_JSON_H
#define HERMES_STATUS_JSON_H

#include "home_state.h"

/* The moments that a report tells. */
struct status_times {
    struct timespec started;   /* this program */
    struct timespec compiled;  /* zero: not yet */
    struct timespec succeeded; /* likewise */
    struct timespec looked;    /* at drift; likewise */
};

void status_json_put(struct text *out, const struct home_state *state, const struct status_times *times);

#endif
