/* hermes-http beside this loop, which hears of its end.
 *
 *     int error = http_child_start(&job->child, &text);
 *     http_job_watch(job, event, error, done, data);
 *     ... done(data, error): takes the answer with http_child_take(&job->child, ...) where error is 0 ...
 */
#ifndef HERMES_HTTP_JOB_H
#define HERMES_HTTP_JOB_H

#include "http_child.h"

#include <systemd/sd-event.h>

struct http_job {
    struct http_child child;
    sd_event_source *source; /* NULL: nothing is under way */
    int process;             /* a pidfd; meaningless without a source */
    int error;
    void (*done)(void *data, int error);
    void *data;
};

/* Calls DONE from the loop when the child has ended; and likewise when there is none, because of ERROR: this
 * may be before it returns. */
void http_job_watch(struct http_job *job, sd_event *event, int error, void (*done)(void *data, int error), void *data);
/* Kills it; DONE is not called any more. */
void http_job_stop(struct http_job *job);

#endif
