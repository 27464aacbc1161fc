#include "http_job.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

static void unwatch(struct http_job *job)
{
    job->source = sd_event_source_disable_unref(job->source);
    if (job->process >= 0)
        (void)close(job->process);
    job->process = -1;
}

static void end(struct http_job *job)
{
    if (job->error == 0)
        (void)http_child_ended(&job->child, true);
    unwatch(job);
    job->done(job->data, job->error);
}

static int at_end(sd_event_source *source, int fd, uint32_t events, void *job)
{
    (void)source;
    (void)fd;
    (void)events;
    end(job);
    return 0;
}

static int at_once(sd_event_source *source, void *job)
{
    (void)source;
    end(job);
    return 0;
}

void http_job_watch(struct http_job *job, sd_event *event, int error, void (*done)(void *data, int error), void *data)
{
    job->done = done;
    job->data = data;
    job->process =
        error == 0 ? (int)syscall(SYS_pidfd_open, job->child.process, 0) : -1; /* glibc 2.36 has a name for it */
    if (error == 0 &&
        (job->process < 0 || sd_event_add_io(event, &job->source, job->process, EPOLLIN, at_end, job) < 0)) {
        http_child_stop(&job->child);
        unwatch(job);
        error = -EMFILE;
    }
    job->error = error;
    if (error != 0 && sd_event_add_defer(event, &job->source, at_once, job) < 0)
        done(data, error);
}

void http_job_stop(struct http_job *job)
{
    if (job->source == NULL)
        return;
    unwatch(job);
    http_child_stop(&job->child);
}
