/* Work that may take long, beside the loop, so that it delays nothing else: a thread of its own, then a call back in
 * the loop.
 *
 *     error = jobs_open(&jobs, event);
 *     jobs_start(jobs, &job);      job.work(&job) in the thread, later job.done(&job) in the loop
 *     ... jobs_busy(jobs) ...
 *     jobs_close(jobs);           nothing may be under way
 *
 * A thread lives as long as its job: an idle process has one thread. A few jobs run at once, the others wait. */
#ifndef HERMES_JOBS_H
#define HERMES_JOBS_H

#include <pthread.h>
#include <stdbool.h>

#include <systemd/sd-event.h>

#include "must_check.h"

struct jobs;

/* In the caller's keeping until `done` is called. */
struct job {
    void (*work)(struct job *job);
    void (*done)(struct job *job); /* may start the job anew, or free it */
    bool apart; /* it may wait for ever, for a file system: it has a thread at once, beside the few */
    pthread_t thread;
    int end;          /* that the thread tells of its own */
    struct job *next; /* that waits for a thread, too */
};

int jobs_open(struct jobs **ret, sd_event *event) MUST_CHECK;
void jobs_close(struct jobs *jobs);
bool jobs_busy(const struct jobs *jobs);

/* Called by the work of JOB: ASK(JOB), which asks file systems. Where JOB is apart, a process of its own does it
 * (apart.h): the only one whose end they can hold back. */
void job_ask(struct job *job, void (*ask)(struct job *job));

/* Where no thread can be made, the work is done before this returns. */
void jobs_start(struct jobs *jobs, struct job *job);

#endif
