#include "home_watch.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "file_lock.h"
#include "snapshot_format.h"

/* Sources of more bytes than this are compiled beside the loop, so that they delay no other home. */
enum { LARGE = 256 * 1024 };

static long long now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000 + 1;
}

/* --- what is watched --- */

/* Says what cannot be watched, when it is another answer than before. */
static void say_gaps(struct home_watch *h)
{
    struct watch_gap gaps[64];
    const size_t room = sizeof gaps / sizeof *gaps;
    const size_t said = 16;
    char *text = NULL;
    size_t len = 0;
    size_t count = watch_client_gaps(h->watches, gaps, room);
    FILE *stream = home_state_learn_gaps(&h->state, gaps, count, room) ? open_memstream(&text, &len) : NULL;
    if (stream == NULL)
        return;
    for (size_t i = 0; i < count && i < said; i++)
        (void)fprintf(stream, "%s cannot be watched in full (%s): it is looked at every %d s\n", gaps[i].path,
                      gaps[i].why, WATCH_LOOK_SECONDS);
    if (count > said)
        (void)fprintf(stream, "... and %zu more\n", count - said);
    if (fclose(stream) == 0)
        watched_home_say(&h->home, LOG_WARNING, NULL, count > 0 ? text : "everything can be watched again");
    free(text);
}

/* True: something has changed of which no event tells. */
static bool update_watches(struct home_watch *h)
{
    if (!h->paths.other && !watch_client_is_stale(h->watches))
        return false;
    h->paths.other = false;
    bool changed = watch_client_update(h->watches, (const char *const *)h->paths.items, h->paths.count);
    say_gaps(h);
    return changed;
}

/* --- before a compile --- */

static bool waiting_for_home(const struct home_watch *h)
{
    struct stat st;
    return stat(h->path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* False: there is nothing to compile, and that was said. */
static bool may_compile(struct home_watch *h)
{
    pid_t holder;
    (void)update_watches(h);
    if (waiting_for_home(h)) {
        home_lock_release(&h->lock); /* it went with the home */
        after_compile_absence(&h->after);
        return false;
    }
    if (home_lock_take(&h->lock, &h->home, &holder) < 0) {
        after_compile_taken(&h->after, holder);
        pace_end(&h->pace, now_ms(), PACE_TAKEN);
        return false;
    }
    return true;
}

/* --- after a compile --- */

static enum pace_outcome outcome_of(const struct compilation *c)
{
    switch (c->outcome) {
    case COMPILE_HELD:
        return PACE_HELD;
    case COMPILE_BUSY:
        return PACE_BUSY;
    case COMPILE_FAILED:
        return PACE_FAILED;
    case COMPILE_INVALID:
    case COMPILE_UNPROVEN: /* the answer asks for the next one */
        return PACE_DONE;
    case COMPILE_VALID:
        break;
    }
    return c->publication.pool_waiting ? PACE_LOCKED : c->publication.projected && !c->publication.published ? PACE_REPAIRED : PACE_DONE;
}

static void say_stuck(struct home_watch *h)
{
    bool stuck = pace_lock_is_stuck(&h->pace, now_ms());
    if (stuck && !h->said_stuck) {
        char path[4096];
        char text[4400];
        (void)snprintf(path, sizeof path, "%s/auth.lock", h->path);
        (void)snprintf(text, sizeof text,
                       "error[pool-locked]: process %ld holds auth.lock: the pool still has the old keys; trying on",
                       (long)file_lock_holder(path));
        watched_home_say(&h->home, LOG_ERR, "pool-locked", text);
    }
    h->said_stuck = stuck;
}

/* When everything is said: what was published is what the next compile compares with, and memory is what it waits
 * for. */
static void read_ahead(struct home_watch *h)
{
    if (h->reader != NULL)
        (void)hermes_refresh(h->reader); /* an error is the next compile's to tell */
    else if (hermes_open(h->path, &h->reader) != 0)
        h->reader = NULL;
}

static void end_compilation(struct home_watch *h)
{
    compilation_tidy(&h->compilation);
    commons_give_arena(h->commons, h->arena);
    h->compilation = (struct compilation){.lock = -1};
}

static bool report_source(void *home, struct metrics_source *ret)
{
    const struct home_watch *h = home;
    *ret =
        (struct metrics_source){(const char *const *)h->paths.items, h->paths.count, h->compiling ? NULL : h->reader};
    return h->lock.fd >= 0 && !h->compiling; /* the end of the compile asks again */
}

static void at_drift(void *home, const struct drift *drift)
{
    struct home_watch *h = home;
    bool first = h->state.findings == NULL;
    if (!home_state_learn_drift(&h->state, drift))
        return;
    bool news = !first || drift->count > 0;
    if (news)
        drift_look_say(&h->home, drift);
    systemd_status_tell(&h->commons->systemd, &h->state, news);
    home_report_soon(&h->report);
}

/* An answer about new keys is there. */
static void at_learned(void *home)
{
    struct home_watch *h = home;
    if (!h->compiling && prove_learn(&h->after.prover))
        home_watch_request(h);
}

/* --- the story: an event, the pace, a compile, and what follows --- */

static bool still(const struct home_watch *h, const char *name, const struct stat *left)
{
    char path[4096];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/%s", h->path, name);
    return stat(path, &st) == 0 && st.st_dev == left->st_dev && st.st_ino == left->st_ino &&
           st.st_size == left->st_size && st.st_mtim.tv_sec == left->st_mtim.tv_sec &&
           st.st_mtim.tv_nsec == left->st_mtim.tv_nsec;
}

static void wait_for_next(struct home_watch *h)
{
    long long wait = h->compiling ? -1 : pace_wait(&h->pace, now_ms());
    if (wait > 0)
        (void)sd_event_source_set_time_relative(h->timer, (uint64_t)wait * 1000);
    (void)sd_event_source_set_enabled(h->timer, wait > 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
    (void)sd_event_source_set_enabled(h->now, wait == 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
    h->state.due = wait == 0;
}

/* An event. Our own replacing of auth.json and of the snapshot comes back as one; it is no news. Everybody else's makes
 * another inode. */
static void at_news(void *home, enum watch_news news)
{
    struct home_watch *h = home;
    bool apart = news == WATCH_APART && !update_watches(h);
    if (apart && still(h, "auth.json", &h->pool) && still(h, SNAPSHOT_FILE, &h->snapshot))
        return;
    if (apart)
        pace_undone(&h->pace, now_ms());
    else if (news == WATCH_WRITING)
        pace_writing(&h->pace, now_ms());
    else
        pace_event(&h->pace, now_ms());
    wait_for_next(h);
}

void home_watch_request(struct home_watch *h)
{
    h->pace.due = now_ms();
    home_report_want(&h->report);
    wait_for_next(h);
}

static struct home_watch *home_of(struct job *job)
{
    return (struct home_watch *)((char *)job - offsetof(struct home_watch, job));
}

/* The compile. */
static void work(struct job *job)
{
    struct home_watch *h = home_of(job);
    compile_home(&h->compilation, &(struct compile_request){.home = h->path,
                                                            .managed = h->commons->managed,
                                                            .arena = h->arena,
                                                            .reader = &h->reader,
                                                            .write = true,
                                                            .hold_empty = h->hold_empty,
                                                            .proofs = &h->after.prover.proofs});
}

/* What follows. */
static void finish(struct home_watch *h)
{
    struct compilation *c = &h->compilation;
    h->pace.settle_ms = c->settings.settle_ms;
    if (c->outcome == COMPILE_FAILED && c->generation == 0) /* it could not even look */
        c->generation = h->state.generation;
    home_paths_learn(&h->paths, h->path, c);
    if (c->outcome == COMPILE_VALID) {
        h->pool = c->publication.pool_stat;
        h->snapshot = c->publication.snapshot_stat;
    }
    pace_end(&h->pace, now_ms(), outcome_of(c));
    if (c->outcome != COMPILE_BUSY || pace_busy_is_long(&h->pace, now_ms()))
        after_compile(&h->after, c);
    if (c->outcome != COMPILE_BUSY && h->lock.fd >= 0)
        drift_look_soon(&h->drift);
    at_learned(h);
    say_stuck(h);
    end_compilation(h);
    read_ahead(h);
    if (h->paths.other) /* they are watched from now on: one may have changed in between */
        pace_event(&h->pace, now_ms());
}

static void looked_at(struct home_watch *h)
{
    if (h->reload_begun)
        systemd_status_looked_at(&h->commons->systemd, &h->state);
    wait_for_next(h);
}

static void done(struct job *job)
{
    struct home_watch *h = home_of(job);
    h->compiling = false;
    if (h->removed) { /* nobody is left to be told */
        end_compilation(h);
        home_watch_destroy(h);
        return;
    }
    finish(h);
    looked_at(h);
    home_report_soon(&h->report);
}

static void start(struct home_watch *h)
{
    h->state.due = false;
    h->hold_empty = !pace_start(&h->pace, now_ms());
    h->reload_begun = h->state.reloading;
    if (!may_compile(h)) {
        looked_at(h);
        return;
    }
    if (h->state.reloading)
        prove_forget(&h->after.prover);
    h->arena = commons_take_arena(h->commons);
    h->compiling = true;
    h->job = (struct job){.work = work, .done = done};
    if (h->lock.fd >= 0 && home_paths_size(&h->paths) > LARGE) {
        jobs_start(h->commons->jobs, &h->job);
    } else { /* faster than a thread is made */
        work(&h->job);
        done(&h->job);
    }
}

static int at_time(sd_event_source *timer, uint64_t when, void *home)
{
    (void)timer;
    (void)when;
    start(home);
    return 0;
}

static int at_once(sd_event_source *now, void *home)
{
    (void)now;
    start(home);
    return 0;
}

/* --- from its beginning to its end --- */

static int open_all(struct home_watch *h)
{
    struct commons *commons = h->commons;
    h->home = (struct watched_home){commons->event, h->path, h->label, commons->quiet, &h->state};
    h->state.home = h->path;
    h->state.label = h->label != NULL ? h->label : h->path;
    after_compile_open(&h->after, &h->home, &commons->systemd, at_learned, h);
    int error = sd_event_add_time(commons->event, &h->timer, CLOCK_MONOTONIC, 0, 1, at_time, h);
    if (error >= 0)
        error = sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
    if (error >= 0) /* on: the first compile */
        error = sd_event_add_defer(commons->event, &h->now, at_once, h);
    if (error >= 0)
        error = home_report_open(&h->report, commons->event, &h->state, commons->started, report_source, h);
    if (error >= 0)
        error = drift_look_open(&h->drift, &h->home, commons->managed, commons->jobs, &commons->drift, at_drift, h);
    return error < 0 ? error : systemd_status_add(&commons->systemd, &h->state);
}

struct home_watch *home_watch_create(struct commons *commons, const char *path, const char *label)
{
    static const char *const derived[] = {"auth.json", "snapshot.json", NULL};
    struct home_watch *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    *h = (struct home_watch){.commons = commons, .lock = {.fd = -1}, .pace = {.settle_ms = WATCH_SETTLE_MS}};
    h->path = strdup(path);
    h->label = label == NULL ? NULL : strdup(label);
    h->state.due = true;
    if (h->path == NULL || (label != NULL && h->label == NULL) || open_all(h) < 0) {
        home_watch_destroy(h);
        return NULL;
    }
    h->watches = watch_client_create(commons->watches, derived, at_news, h);
    home_paths_begin(&h->paths, path, commons->managed);
    return h;
}

void home_watch_leave(struct home_watch *h)
{
    struct metrics_source last;
    (void)report_source(h, &last);
    home_report_close(&h->report, home_lock_is_held(&h->lock, h->path) ? &last : NULL);
}

void home_watch_destroy(struct home_watch *h)
{
    if (h == NULL)
        return;
    h->timer = sd_event_source_disable_unref(h->timer);
    h->now = sd_event_source_disable_unref(h->now);
    watch_client_destroy(h->watches);
    h->watches = NULL;
    if (!h->removed) {
        home_watch_leave(h);
        drift_look_close(&h->drift);
        systemd_status_remove(&h->commons->systemd, &h->state);
    }
    h->removed = true;
    if (h->compiling)
        return; /* when that is through */
    after_compile_close(&h->after);
    home_lock_release(&h->lock);
    home_paths_finish(&h->paths);
    hermes_close(h->reader);
    home_state_finish(&h->state);
    free(h->path);
    free(h->label);
    free(h);
}
