#include "jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "apart.h"

/* More at once would only take turns, each with its memory, and with the loop. */
enum { MOST_THREADS = 4 };

struct jobs {
    int ends[2]; /* a pipe: a thread that is through writes its job's address */
    sd_event_source *source;
    size_t running;    /* of the few */
    size_t apart;      /* of those beside them */
    struct job *first; /* of those that wait for a thread */
    struct job *last;
};

static void *run(void *data)
{
    struct job *job = data;
    job->work(job);
    /* Thousands of addresses fit into the pipe, and a home has one job at a time. */
    while (write(job->end, &job, sizeof job) < 0 && errno == EINTR)
        ;
    return NULL;
}

struct question {
    struct job *job;
    void (*ask)(struct job *job);
};

static void ask(void *data)
{
    const struct question *question = data;
    question->ask(question->job);
}

void job_ask(struct job *job, void (*asks)(struct job *job))
{
    if (job->apart)
        apart_run(ask, &(struct question){job, asks});
    else
        asks(job);
}

static void start(struct jobs *jobs, struct job *job)
{
    job->end = jobs->ends[1];
    if (pthread_create(&job->thread, NULL, run, job) == 0) {
        *(job->apart ? &jobs->apart : &jobs->running) += 1;
        return;
    }
    job->work(job);
    job->done(job);
}

static void start_waiting(struct jobs *jobs)
{
    while (jobs->first != NULL && jobs->running < MOST_THREADS) {
        struct job *job = jobs->first;
        jobs->first = job->next;
        start(jobs, job);
    }
}

void jobs_start(struct jobs *jobs, struct job *job)
{
    job->next = NULL;
    if (job->apart) {
        start(jobs, job);
        return;
    }
    *(jobs->first == NULL ? &jobs->first : &jobs->last->next) = job;
    jobs->last = job;
    start_waiting(jobs);
}

static int at_end(sd_event_source *source, int fd, uint32_t events, void *data)
{
    struct jobs *jobs = data;
    struct job *job;
    (void)source;
    (void)events;
    while (read(fd, &job, sizeof job) == sizeof job) { /* an address goes through a pipe whole */
        (void)pthread_join(job->thread, NULL);
        *(job->apart ? &jobs->apart : &jobs->running) -= 1;
        start_waiting(jobs);
        job->done(job);
    }
    return 0;
}

int jobs_open(struct jobs **ret, sd_event *event)
{
    struct jobs *jobs = calloc(1, sizeof *jobs);
    if (jobs == NULL)
        return -ENOMEM;
    int error = pipe2(jobs->ends, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0;
    if (error < 0) {
        free(jobs);
        return error;
    }
    error = sd_event_add_io(event, &jobs->source, jobs->ends[0], EPOLLIN, at_end, jobs);
    if (error >= 0) /* a job that is through has a lock and memory: it comes before new work */
        error = sd_event_source_set_priority(jobs->source, SD_EVENT_PRIORITY_NORMAL - 1);
    if (error < 0) {
        jobs_close(jobs);
        return error;
    }
    *ret = jobs;
    return 0;
}

void jobs_close(struct jobs *jobs)
{
    if (jobs == NULL)
        return;
    (void)sd_event_source_disable_unref(jobs->source);
    (void)close(jobs->ends[0]);
    (void)close(jobs->ends[1]);
    free(jobs);
}

bool jobs_busy(const struct jobs *jobs)
{
    return jobs->running + jobs->apart > 0; /* else none waits */
}
