#include "drift_look.h"

#include <malloc.h>
#include <stddef.h>
#include <syslog.h>

#include "home_watch.h"
#include "journal.h"
#include "watcher.h"

enum {
    CALM_USEC = 200000,     /* after a change, so that a burst of them is one */
    INTERVAL_USEC = 5000000 /* between two looks at a home */
};

static struct home_watch *home_of(struct job *job)
{
    return (struct home_watch *)((char *)job - offsetof(struct home_watch, drift.job));
}

/* In a thread of its own. The daemon's environment is no evidence: nobody starts Hermes from it. */
static void work(struct job *job)
{
    struct home_watch *h = home_of(job);
    compile_home(&h->drift.compilation, &(struct compile_request){.home = h->home, .managed = h->watcher->managed});
    if (h->drift.compilation.outcome == COMPILE_VALID)
        h->drift.drift = drift_find(&h->drift.compilation, h->home, NULL);
}

static void say(const struct home_watch *h, const struct drift *drift)
{
    for (size_t i = 0; i < drift->count && !h->watcher->quiet; i++) {
        const struct finding *f = &drift->items[i];
        struct text text = {.arena = drift->arena};
        text_printf(&text, "drift: %s: ", f->where);
        if (f->variable != NULL)
            text_printf(&text, "%s is %s; ", f->variable, f->found != NULL ? f->found : "set");
        text_puts(&text, f->message);
        journal_write(&(struct journal_entry){.priority = f->matters ? LOG_WARNING : LOG_NOTICE,
                                              .label = h->label,
                                              .message = text.bytes,
                                              .home = h->home,
                                              .generation = h->state.generation,
                                              .fingerprint = f->found,
                                              .code = "drift"});
    }
    if (drift->count == 0 && !h->watcher->quiet)
        journal_write(&(struct journal_entry){.priority = LOG_INFO,
                                              .label = h->label,
                                              .message = "drift: nobody disagrees any more",
                                              .home = h->home,
                                              .generation = h->state.generation,
                                              .code = "drift"});
}

static uint64_t now_usec(const struct watcher *w)
{
    uint64_t now = 0;
    (void)sd_event_now(w->event, CLOCK_MONOTONIC, &now);
    return now;
}

static void wake_at(struct home_watch *h, uint64_t when)
{
    (void)sd_event_source_set_time(h->drift.timer, when);
    (void)sd_event_source_set_enabled(h->drift.timer, SD_EVENT_ONESHOT);
}

/* Of those that want to be looked at, the one that has waited longest; the others have no timer meanwhile. */
static void look_at_the_next(struct watcher *w)
{
    struct home_watch *next = NULL;
    for (size_t i = 0; i < w->count; i++) {
        struct home_watch *h = w->homes[i];
        if (h->drift.wanted && (next == NULL || h->drift.looked < next->drift.looked))
            next = h;
    }
    if (next != NULL)
        wake_at(next, w->look_after);
}

static void done(struct job *job)
{
    struct home_watch *h = home_of(job);
    struct drift_look *look = &h->drift;
    look->looking = false;
    h->watcher->looking = false;
    uint64_t now = now_usec(h->watcher);
    h->watcher->look_after = now + (now - look->looked) * 9;
    bool first = h->state.findings == NULL;
    if (!h->removed && look->compilation.outcome == COMPILE_VALID && home_state_learn_drift(&h->state, &look->drift)) {
        if (!first || look->drift.count > 0)
            say(h, &look->drift);
        watcher_tell(h->watcher, h, look->drift.count > 0 || !first);
        home_report_soon(h);
    }
    compilation_finish(&look->compilation);
    (void)malloc_trim(0); /* the last thing that follows a change */
    look_at_the_next(h->watcher);
    if (h->removed)
        home_watch_destroy(h);
}

static int at_time(sd_event_source *timer, uint64_t when, void *home)
{
    struct home_watch *h = home;
    (void)timer;
    (void)when;
    uint64_t now = now_usec(h->watcher);
    h->drift.wanted = h->lock >= 0 && (h->watcher->looking || now < h->watcher->look_after);
    if (h->watcher->looking)
        return 0; /* the end of that look wakes the next one */
    if (h->lock < 0 || h->drift.wanted) {
        look_at_the_next(h->watcher);
        return 0;
    }
    h->drift.looked = now;
    h->drift.looking = true;
    h->watcher->looking = true;
    h->drift.job = (struct job){.work = work, .done = done};
    job_start(h->watcher->jobs, &h->drift.job);
    return 0;
}

int drift_look_open(struct home_watch *h)
{
    int error = sd_event_add_time(h->watcher->event, &h->drift.timer, CLOCK_MONOTONIC, 0, 1, at_time, h);
    return error < 0 ? error : sd_event_source_set_enabled(h->drift.timer, SD_EVENT_OFF);
}

void drift_look_soon(struct home_watch *h)
{
    int armed = SD_EVENT_OFF;
    (void)sd_event_source_get_enabled(h->drift.timer, &armed);
    if (armed != SD_EVENT_OFF || h->drift.wanted)
        return;
    uint64_t calm = now_usec(h->watcher) + CALM_USEC;
    uint64_t next = h->drift.looked == 0 ? 0 : h->drift.looked + INTERVAL_USEC;
    wake_at(h, next > calm ? next : calm);
}

void drift_look_close(struct home_watch *h)
{
    h->drift.timer = sd_event_source_disable_unref(h->drift.timer);
    if (h->drift.wanted)
        look_at_the_next(h->watcher);
    h->drift.wanted = false;
}
