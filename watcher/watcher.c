#include "watcher.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* While events come closer together than this, they are read no more often. */
enum { STORM_USEC = 2000, RETRY_USEC = 100000 };

/* --- what systemd is told --- */

static const char *label_of(const struct home_watch *h)
{
    return h->label != NULL ? h->label : h->home;
}

static void put_home(const struct home_watch *h, FILE *line)
{
    (void)fputs(h->state.status, line);
    if (h->state.matters > 0)
        (void)fprintf(line, "; drift: %zu place%s disagree%s", h->state.matters, h->state.matters == 1 ? "" : "s",
                      h->state.matters == 1 ? "s" : "");
}

/* One home: its own line. Many: what happened last, how many there are, and which is in trouble. */
static void put_status(const struct watcher *w, const struct home_watch *last, FILE *line)
{
    const struct home_watch *bad = NULL;
    size_t count = 0;
    if (w->count == 1) {
        put_home(last, line);
        return;
    }
    for (size_t i = 0; i < w->count; i++)
        if (condition_is_trouble(w->homes[i]->state.condition)) {
            bad = bad == NULL || bad == last ? w->homes[i] : bad;
            count++;
        }
    (void)fprintf(line, "%s: ", label_of(last));
    put_home(last, line);
    (void)fprintf(line, "; %zu homes, %zu in trouble", w->count, count);
    if (bad != NULL && bad != last)
        (void)fprintf(line, " (%s: %s)", label_of(bad), bad->state.status);
}

static bool all_looked_at(const struct watcher *w)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->homes[i]->state.status == NULL)
            return false;
    return true;
}

/* On a busy machine each yield may take as long as a compile, and the others wait for all of them. */
static bool another_is_due(const struct watcher *w, const struct home_watch *h)
{
    for (size_t i = 0; i < w->count; i++) {
        int due = SD_EVENT_OFF;
        (void)sd_event_source_get_enabled(w->homes[i]->now, &due);
        if (w->homes[i] != h && due != SD_EVENT_OFF)
            return true;
    }
    return false;
}

void watcher_tell(struct watcher *w, const struct home_watch *h, bool news)
{
    bool ready = w->ready || all_looked_at(w);
    if (!news && ready == w->ready)
        return;
    char *line = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&line, &len);
    if (stream == NULL)
        return;
    put_status(w, h, stream);
    bool whole = fclose(stream) == 0;
    if (whole && ready && !w->ready)
        notify_ready(&w->notifier, line);
    else if (whole)
        notify_status(&w->notifier, line);
    if (!another_is_due(w, h))
        (void)sched_yield(); /* whoever waits for that was woken on this very processor */
    w->ready = w->ready || (whole && ready);
    free(line);
}

/* --- the loop --- */

/* A first event is acted on at once. Where they rain, thousands in a second, they are left to gather. */
static void pause_in_a_storm(struct watcher *w)
{
    uint64_t now = 0;
    (void)sd_event_now(w->event, CLOCK_MONOTONIC, &now);
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
    watch_set_drain(w->watches);
    pause_in_a_storm(w);
    return 0;
}

static int at_mounts(sd_event_source *source, int fd, uint32_t events, void *watcher)
{
    (void)source;
    (void)fd;
    (void)events;
    watch_set_remounted(((struct watcher *)watcher)->watches);
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

static int at_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *watcher)
{
    struct watcher *w = watcher;
    (void)source;
    bool reload = info->ssi_signo == SIGHUP;
    if (reload)
        notify_reloading(&w->notifier);
    w->reloading = reload ? w->count : w->reloading;
    for (size_t i = 0; i < w->count; i++) {
        w->homes[i]->reloading = reload || w->homes[i]->reloading;
        home_watch_request(w->homes[i]);
    }
    if (reload && w->count == 0)
        notify_ready(&w->notifier, "reloaded");
    return 0;
}

void watcher_looked_at(struct watcher *w, struct home_watch *h)
{
    if (!h->reloading)
        return;
    h->reloading = false;
    if (--w->reloading > 0)
        return;
    notify_ready(&w->notifier, "reloaded");
    if (h->state.status != NULL)
        watcher_tell(w, h, true);
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
        error = sd_event_add_signal(w->event, &source, signals[i].number, signals[i].handler, w);
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
    *w = (struct watcher){.managed = managed, .quiet = quiet};
    (void)clock_gettime(CLOCK_REALTIME, &w->started);
    int error = watch_set_open(&w->watches);
    if (error == 0)
        error = sd_event_new(&w->event);
    if (error >= 0)
        error = notifier_open(&w->notifier, w->event);
    if (error >= 0)
        error = add_signals(w);
    if (error >= 0)
        error = jobs_open(&w->jobs, w->event);
    if (error >= 0)
        error = sd_event_add_io(w->event, &w->queue, watch_set_fd(w->watches), EPOLLIN, at_events, w);
    if (error >= 0)
        error = sd_event_add_time(w->event, &w->pause, CLOCK_MONOTONIC, 0, 1, at_pause_end, w);
    if (error >= 0)
        error = sd_event_source_set_enabled(w->pause, SD_EVENT_OFF);
    if (error >= 0 && watch_set_mounts_fd(w->watches) >= 0)
        error = sd_event_add_io(w->event, NULL, watch_set_mounts_fd(w->watches), EPOLLPRI, at_mounts, w);
    if (error >= 0)
        return 0;
    watcher_close(w);
    return error;
}

void watcher_close(struct watcher *w)
{
    while (w->count > 0)
        home_watch_destroy(w->homes[--w->count]);
    free(w->homes);
    arena_destroy(w->arena);
    jobs_close(w->jobs);
    notifier_close(&w->notifier);
    (void)sd_event_source_disable_unref(w->queue);
    (void)sd_event_source_disable_unref(w->pause);
    (void)sd_event_unref(w->event);
    watch_set_close(w->watches);
    *w = (struct watcher){0};
}

struct home_watch *watcher_add(struct watcher *w, const char *home, const char *label)
{
    struct home_watch **homes = realloc(w->homes, (w->count + 1) * sizeof *homes);
    if (homes == NULL)
        return NULL;
    w->homes = homes;
    struct home_watch *h = home_watch_create(w, home, label);
    if (h != NULL)
        w->homes[w->count++] = h;
    return h;
}

struct home_watch *watcher_find(const struct watcher *w, const char *home)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->homes[i]->home, home) == 0)
            return w->homes[i];
    return NULL;
}

void watcher_remove(struct watcher *w, struct home_watch *h)
{
    size_t at = 0;
    while (w->homes[at] != h)
        at++;
    memmove(w->homes + at, w->homes + at + 1, (--w->count - at) * sizeof *w->homes);
    watcher_looked_at(w, h);
    home_watch_destroy(h);
    if (w->count > 0 && w->homes[0]->state.status != NULL)
        watcher_tell(w, w->homes[0], true);
}

int watcher_run(struct watcher *w)
{
    int status = sd_event_loop(w->event);
    notify_stopping();
    if (!jobs_busy(w->jobs))
        return status;
    for (size_t i = 0; i < w->count; i++)
        home_report_close(w->homes[i]);
    /* What jobs write is replaced as a whole or not at all, as if we had been killed. */
    _exit(status < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
