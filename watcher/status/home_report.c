#include "home_report.h"

#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "home_watch.h"
#include "metrics.h"
#include "replace.h"
#include "safe_read.h"
#include "snapshot_format.h"
#include "status_json.h"
#include "watcher.h"

/* So many changes in a row are told at once; from then on one in each interval. */
enum { INTERVAL_USEC = 1000000, AT_ONCE = 4 };

static uint64_t now_usec(const struct home_watch *h)
{
    uint64_t now = 0;
    (void)sd_event_now(h->watcher->event, CLOCK_MONOTONIC, &now);
    return now;
}

static void wake_at(struct home_watch *h, uint64_t when)
{
    (void)sd_event_source_set_time(h->report.timer, when);
    (void)sd_event_source_set_enabled(h->report.timer, SD_EVENT_ONESHOT);
}

static const char *path_of(const struct home_watch *h, const char *name, struct arena *arena)
{
    return arena_printf(arena, "%s/%s", h->home, name);
}

static bool stands_there(const struct home_watch *h, const char *name, const struct text *text)
{
    struct safe_read there = safe_read(text->arena, path_of(h, name, text->arena), 0);
    return there.status == SAFE_READ_OK && there.len == text->len && memcmp(there.bytes, text->bytes, text->len) == 0;
}

/* A file that cannot be written is not worth a word: the compile has said what is wrong with the disk. */
static void write_if_other(const struct home_watch *h, const char *name, const struct text *text)
{
    int error =
        stands_there(h, name, text) ? 0 : replace_passing(path_of(h, name, text->arena), text->bytes, text->len);
    (void)error;
}

static void put(struct home_watch *h, struct text *status, struct text *metrics, double *ret_until)
{
    *ret_until = metrics_put(metrics, h, true);
    status_json_put(status, h);
}

/* Nothing but the time of the last compile is another one. */
static bool only_time_passed(struct home_watch *h, struct arena *arena, double *ret_until)
{
    struct text status = {.arena = arena};
    struct text metrics = {.arena = arena};
    const struct timespec compiled = h->state.last_compile;
    const struct timespec succeeded = h->state.last_success;
    h->state.last_compile = h->report.compiled;
    h->state.last_success = h->report.succeeded;
    put(h, &status, &metrics, ret_until);
    h->state.last_compile = compiled;
    h->state.last_success = succeeded;
    return stands_there(h, STATUS_FILE, &status) && stands_there(h, METRICS_FILE, &metrics);
}

static void write_both(struct home_watch *h, struct arena *arena, double *ret_until)
{
    struct text status = {.arena = arena};
    struct text metrics = {.arena = arena};
    put(h, &status, &metrics, ret_until);
    write_if_other(h, STATUS_FILE, &status);
    write_if_other(h, METRICS_FILE, &metrics);
    h->report.compiled = h->state.last_compile;
    h->report.succeeded = h->state.last_success;
    h->report.wanted = false;
}

/* Until the first key that cools now is usable again: then the metrics are other ones. */
static void wake_for_the_next_key(struct home_watch *h, double until)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    double wait = until - (double)now.tv_sec;
    if (isfinite(until) && wait < 366.0 * 86400)
        wake_at(h, now_usec(h) + (uint64_t)(wait > 1 ? wait * 1e6 : 1e6));
}

static void pay(struct home_watch *h)
{
    uint64_t now = now_usec(h);
    h->report.paid_until = (h->report.paid_until > now ? h->report.paid_until : now) + INTERVAL_USEC;
}

static int at_time(sd_event_source *timer, uint64_t when, void *home)
{
    struct home_watch *h = home;
    (void)timer;
    (void)when;
    if (h->lock < 0 || h->compiling) /* not ours to write; or the reader is in use, and the end of it asks again */
        return 0;
    struct arena *arena = arena_create();
    double until;
    if (h->report.wanted || !only_time_passed(h, arena, &until)) {
        write_both(h, arena, &until);
        pay(h);
    }
    arena_destroy(arena);
    wake_for_the_next_key(h, until);
    return 0;
}

int home_report_open(struct home_watch *h)
{
    int error = sd_event_add_time(h->watcher->event, &h->report.timer, CLOCK_MONOTONIC, 0, 1, at_time, h);
    if (error >= 0)
        error = sd_event_source_set_enabled(h->report.timer, SD_EVENT_OFF);
    if (error >= 0)
        error = sd_event_source_set_priority(h->report.timer, SD_EVENT_PRIORITY_IDLE);
    return error < 0 ? error : 0;
}

void home_report_soon(struct home_watch *h)
{
    uint64_t now = now_usec(h);
    uint64_t credit = now + (AT_ONCE - 1) * INTERVAL_USEC;
    wake_at(h, h->report.paid_until > credit ? now + (h->report.paid_until - credit) : now);
}

void home_report_close(struct home_watch *h)
{
    h->report.timer = sd_event_source_disable_unref(h->report.timer);
    if (!home_watch_is_locked(h))
        return;
    struct arena *arena = arena_create();
    struct text metrics = {.arena = arena};
    (void)metrics_put(&metrics, h, false);
    write_if_other(h, METRICS_FILE, &metrics);
    (void)unlink(arena_printf(arena, "%s/" STATUS_FILE, h->home));
    arena_destroy(arena);
}
