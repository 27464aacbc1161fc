#include "watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apart.h"
#include "clock.h"

/* While events come closer together than this, they are read no more often. */
enum { STORM_USEC = 2000, RETRY_USEC = 100000 };

/* What file systems that may not answer have at the end, to take the last report. */
enum { LEAVE_S = 1 };

/* A first event is acted on at once. Where they rain, thousands in a second, they are left to gather. */
static void pause_in_a_storm(struct watcher *w)
{
    uint64_t now = 0;
    (void)sd_event_now(w->commons.event, CLOCK_MONOTONIC, &now);
    if (now < w->drained + STORM_USEC) {
        (void)sd_event_source_set_enabled(w->queue, SD_EVENT_OFF);
        (void)sd_event_source_set_time(w->pause, now + STORM_USEC);
        (void)sd_event_source_set_enabled(w->pause, SD_EVENT_ONESHOT);
    }
    w->drained = now;
}

static int at_events(sd_event_source *source, int fd, uint32_t events, void *watcher)
{
    struct watcher *w = watcher;
    (void)source;
    (void)fd;
    (void)events;
    watch_set_drain(w->commons.watches);
    pause_in_a_storm(w);
    return 0;
}

static int at_mounts(sd_event_source *source, int fd, uint32_t events, void *watcher)
{
    (void)source;
    (void)fd;
    (void)events;
    watch_set_remounted(((struct watcher *)watcher)->commons.watches);
    return 0;
}

static int at_pause_end(sd_event_source *source, uint64_t when, void *watcher)
{
    if (sd_event_source_set_enabled(((struct watcher *)watcher)->queue, SD_EVENT_ON) >= 0)
        return 0;
    (void)sd_event_source_set_time(source, when + RETRY_USEC); /* the kernel is short of memory at this moment */
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int at_end(sd_event_source *source, const struct signalfd_siginfo *info, void *watcher)
{
    (void)info;
    (void)watcher;
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* This process has a terminal: one that was started by hand, and not by a service manager. */
static bool has_terminal(void)
{
    int terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (terminal >= 0)
        (void)close(terminal);
    return terminal >= 0 || errno == EMFILE || errno == ENFILE;
}

/* So nohup starts it. */
static bool is_to_stay(void)
{
    struct sigaction inherited;
    return sigaction(SIGHUP, NULL, &inherited) == 0 && inherited.sa_handler == SIG_IGN;
}

static int at_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *watcher)
{
    struct watcher *w = watcher;
    (void)source;
    if (info->ssi_signo == SIGHUP && w->terminal && !has_terminal())
        return sd_event_exit(w->commons.event, 0); /* it was closed, which is told by the signal of a reload */
    if (info->ssi_signo == SIGHUP)
        systemd_status_reload(&w->commons.systemd);
    for (size_t i = 0; i < w->count; i++)
        home_watch_request(w->homes[i]);
    return 0;
}

static const struct {
    int number;
    sd_event_signal_handler_t handler;
} signals[] = {{SIGTERM, at_end}, {SIGINT, at_end}, {SIGHUP, at_reload}, {SIGUSR1, at_reload}};

void watcher_hold_signals(int how)
{
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        (void)sigaddset(&set, signals[i].number);
    (void)sigprocmask(how, &set, NULL);
}

static int add_signals(struct watcher *w)
{
    int error = 0;
    for (size_t i = 0; error >= 0 && i < sizeof signals / sizeof *signals; i++) {
        sd_event_source *source = NULL;
        error = sd_event_add_signal(w->commons.event, &source, signals[i].number, signals[i].handler, w);
        if (error >= 0)
            error = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT);
        if (error >= 0)
            error = sd_event_source_set_floating(source, true);
        (void)sd_event_source_unref(source);
    }
    return error < 0 ? error : 0;
}

int watcher_open(struct watcher *w, const char *managed, bool quiet)
{
    *w = (struct watcher){.commons = {.managed = managed, .quiet = quiet}, .terminal = has_terminal() && !is_to_stay()};
    w->commons.started = clock_wall_time();
    int error = watch_set_open(&w->commons.watches);
    if (error == 0)
        error = sd_event_new(&w->commons.event);
    if (error >= 0)
        error = systemd_status_open(&w->commons.systemd, w->commons.event);
    if (error >= 0)
        error = add_signals(w);
    if (error >= 0)
        error = jobs_open(&w->commons.jobs, w->commons.event);
    if (error >= 0)
        error = sd_event_add_io(w->commons.event, &w->queue, watch_set_fd(w->commons.watches), EPOLLIN, at_events, w);
    if (error >= 0)
        error = sd_event_add_time(w->commons.event, &w->pause, CLOCK_MONOTONIC, 0, 1, at_pause_end, w);
    if (error >= 0)
        error = sd_event_source_set_enabled(w->pause, SD_EVENT_OFF);
    const int mounts = error >= 0 ? watch_set_mounts_fd(w->commons.watches) : -1;
    if (mounts >= 0)
        error = sd_event_add_io(w->commons.event, NULL, mounts, EPOLLPRI, at_mounts, w);
    if (error >= 0)
        return 0;
    watcher_close(w);
    return error;
}

void watcher_close(struct watcher *w)
{
    systemd_status_close(&w->commons.systemd); /* it is not told of each home that it is gone */
    while (w->count > 0)
        home_watch_destroy(w->homes[--w->count]);
    free(w->homes);
    arena_destroy(w->commons.arena);
    jobs_close(w->commons.jobs);
    (void)sd_event_source_disable_unref(w->queue);
    (void)sd_event_source_disable_unref(w->pause);
    (void)sd_event_unref(w->commons.event);
    watch_set_close(w->commons.watches);
    *w = (struct watcher){0};
}

struct home_watch *watcher_add(struct watcher *w, const char *home, const char *label)
{
    struct home_watch **homes = realloc(w->homes, (w->count + 1) * sizeof *homes);
    if (homes == NULL)
        return NULL;
    w->homes = homes;
    struct home_watch *h = home_watch_create(&w->commons, home, label);
    if (h != NULL)
        w->homes[w->count++] = h;
    return h;
}

struct home_watch *watcher_find(const struct watcher *w, const char *home)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->homes[i]->path, home) == 0)
            return w->homes[i];
    return NULL;
}

void watcher_remove(struct watcher *w, struct home_watch *h)
{
    size_t at = 0;
    while (w->homes[at] != h)
        at++;
    memmove(w->homes + at, w->homes + at + 1, (--w->count - at) * sizeof *w->homes);
    home_watch_destroy(h);
}

/* --- the end --- */

static void leave(void *home)
{
    home_watch_leave(home);
}

static void *leave_apart(void *home)
{
    apart_run(leave, home);
    return NULL;
}

/* Those whose file systems may not answer, each in a thread; what has not answered after LEAVE_S is not waited for. */
static bool leave_foreign(const struct watcher *w)
{
    pthread_t *all = calloc(w->count + 1, sizeof *all);
    size_t count = 0;
    for (size_t i = 0; all != NULL && i < w->count; i++)
        if (home_watch_is_foreign(w->homes[i]) && !w->homes[i]->busy &&
            pthread_create(&all[count], NULL, leave_apart, w->homes[i]) == 0)
            count++;
    struct timespec until = clock_wall_time();
    until.tv_sec += LEAVE_S;
    for (size_t i = 0; i < count; i++)
        (void)pthread_timedjoin_np(all[i], NULL, &until);
    free(all);
    return count > 0;
}

int watcher_run(struct watcher *w)
{
    int status;
    do
        status = sd_event_loop(w->commons.event);
    while (status == -ENOMEM); /* what the loop could not put among what is pending still happens */
    notify_stopping();
    bool foreign = leave_foreign(w);
    if (!foreign && !jobs_busy(w->commons.jobs))
        return status;
    for (size_t i = 0; i < w->count; i++)
        if (!home_watch_is_foreign(w->homes[i]))
            home_watch_leave(w->homes[i]);
    /* What jobs write is replaced as a whole or not at all, as if we had been killed. */
    _exit(status < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
