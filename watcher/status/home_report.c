#include "home_report.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "memory.h"
#include "replace.h"
#include "safe_read.h"
#include "snapshot_format.h"

/* So many changes in a row are told at once; from then on one in each interval. */
enum { INTERVAL_USEC = 1000000, AT_ONCE = 4, LOOKS_S = 60 };

/* The two files as they are to be. */
struct rendered {
    struct text status;
    struct text metrics;
    double until; /* when the metrics will be other ones by themselves */
};

static uint64_t now_usec(const struct home_report *report)
{
    uint64_t now = 0;
    (void)sd_event_now(sd_event_source_get_event(report->timer), CLOCK_MONOTONIC, &now);
    return now;
}

static void wake_at(struct home_report *report, uint64_t when)
{
    (void)sd_event_source_set_time(report->timer, when);
    (void)sd_event_source_set_enabled(report->timer, SD_EVENT_ONESHOT);
}

static const char *path_of(const char *home, const char *name, struct arena *arena)
{
    return arena_printf(arena, "%s/%s", home, name);
}

static bool stands_there(const char *home, const char *name, const struct text *text)
{
    struct safe_read there = safe_read(text->arena, path_of(home, name, text->arena), 0);
    return there.status == SAFE_READ_OK && there.len == text->len && memcmp(there.bytes, text->bytes, text->len) == 0;
}

/* A file that cannot be written is not worth a word: the compile has said what is wrong with the disk. But what stands
 * there is true no longer, and may be what fills the disk. */
static void write_if_other(const char *home, const char *name, const struct text *text)
{
    const char *path = path_of(home, name, text->arena);
    if (stands_there(home, name, text) || replace_passing(path, text->bytes, text->len) == 0 || unlink(path) < 0)
        return;
    int error = replace_passing(path, text->bytes, text->len);
    (void)error;
}

static struct rendered render(struct arena *arena, const struct home_state *state, const struct status_times *times,
                              const struct metrics_source *source)
{
    struct rendered r = {.status = {.arena = arena}, .metrics = {.arena = arena}};
    r.until = metrics_put(&r.metrics, state, times, source, true);
    status_json_put(&r.status, state, times);
    return r;
}

/* Until the first key that cools now is usable again: then the metrics are other ones. */
static void wake_for_the_next_key(struct home_report *report, double until)
{
    double wait = until - clock_wall();
    if (isfinite(until) && wait < 366.0 * 86400)
        wake_at(report, now_usec(report) + (uint64_t)(wait > 1 ? wait * 1e6 : 1e6));
}

static void pay(struct home_report *report)
{
    uint64_t now = now_usec(report);
    report->paid_until = (report->paid_until > now ? report->paid_until : now) + INTERVAL_USEC;
}

static struct status_times times_now(const struct home_report *report, const struct home_state *state)
{
    return (struct status_times){report->told.started, state->last_compile, state->last_success, state->last_look};
}

static bool is_before(struct timespec a, struct timespec b)
{
    return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec <= b.tv_nsec);
}

/* That a look at drift has found what the one before found is told once in LOOKS_S. */
static bool is_look_news(const struct home_report *report, const struct home_state *state)
{
    return state->last_look.tv_sec >= report->told.looked.tv_sec + LOOKS_S;
}

struct writing {
    struct home_report *report;
    const struct home_state *state;
    const struct metrics_source *source;
};

static void write_both(void *data)
{
    struct home_report *report = ((struct writing *)data)->report;
    const struct home_state *state = ((struct writing *)data)->state;
    const struct metrics_source *source = ((struct writing *)data)->source;
    struct arena *arena = arena_create();
    struct memory_hold hold;
    arena_hold(&hold, arena);
    struct rendered r = render(arena, state, &report->told, source);
    const bool wanted = report->wanted.tv_sec != 0 && is_before(report->wanted, state->last_compile);
    report->written = wanted || is_look_news(report, state) || !stands_there(state->home, STATUS_FILE, &r.status) ||
                      !stands_there(state->home, METRICS_FILE, &r.metrics);
    if (report->written) {
        const struct status_times times = times_now(report, state);
        r = render(arena, state, &times, source);
        write_if_other(state->home, STATUS_FILE, &r.status);
        write_if_other(state->home, METRICS_FILE, &r.metrics);
        report->told = times;
        if (wanted)
            report->wanted = (struct timespec){0};
    }
    report->until = r.until;
    memory_give_back(&hold);
}

void home_report_write(struct home_report *report, const struct home_state *state, const struct metrics_source *source)
{
    if (!memory_try(write_both, &(struct writing){report, state, source}))
        report->written = false; /* the next one has the same to tell */
}

void home_report_written(struct home_report *report)
{
    if (report->written)
        pay(report);
    wake_for_the_next_key(report, report->until);
}

static void write_status(void *data)
{
    struct home_report *report = data;
    struct arena *arena = arena_create();
    struct memory_hold hold;
    arena_hold(&hold, arena);
    struct text status = {.arena = arena};
    const struct status_times times = times_now(report, report->state);
    status_json_put(&status, report->state, &times);
    write_if_other(report->state->home, STATUS_FILE, &status);
    memory_give_back(&hold);
}

void home_report_status(struct home_report *report)
{
    bool written = memory_try(write_status, report);
    (void)written; /* an observation */
}

static int at_time(sd_event_source *timer, uint64_t when, void *data)
{
    struct home_report *report = data;
    struct metrics_source source;
    (void)timer;
    (void)when;
    if (report->source(report->owner, &source)) {
        home_report_write(report, report->state, &source);
        home_report_written(report);
    }
    return 0;
}

int home_report_open(struct home_report *report, sd_event *event, const struct home_state *state,
                     struct timespec started, home_report_source *source, void *owner)
{
    *report = (struct home_report){.state = state, .source = source, .owner = owner, .told = {.started = started}};
    int error = sd_event_add_time(event, &report->timer, CLOCK_MONOTONIC, 0, 1, at_time, report);
    if (error >= 0)
        error = sd_event_source_set_enabled(report->timer, SD_EVENT_OFF);
    if (error >= 0)
        error = sd_event_source_set_priority(report->timer, SD_EVENT_PRIORITY_IDLE);
    return error < 0 ? error : 0;
}

void home_report_soon(struct home_report *report)
{
    uint64_t now = now_usec(report);
    uint64_t credit = now + (AT_ONCE - 1) * INTERVAL_USEC;
    wake_at(report, report->paid_until > credit ? now + (report->paid_until - credit) : now);
}

void home_report_looked(struct home_report *report)
{
    if (is_look_news(report, report->state))
        home_report_soon(report);
}

void home_report_want(struct home_report *report)
{
    report->wanted = clock_wall_time();
}

static void write_last(void *data)
{
    const struct writing *last = data;
    struct arena *arena = arena_create();
    struct memory_hold hold;
    arena_hold(&hold, arena);
    struct text metrics = {.arena = arena};
    const struct status_times times = times_now(last->report, last->state);
    (void)unlink(path_of(last->state->home, STATUS_FILE, arena));
    (void)metrics_put(&metrics, last->state, &times, last->source, false);
    write_if_other(last->state->home, METRICS_FILE, &metrics);
    memory_give_back(&hold);
}

void home_report_close(struct home_report *report, const struct metrics_source *last)
{
    report->timer = sd_event_source_disable_unref(report->timer);
    bool written = last == NULL || memory_try(write_last, &(struct writing){report, report->state, last});
    (void)written; /* an observation */
}
