#include "home_watch.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "after_compile.h"
#include "file_lock.h"
#include "journal.h"
#include "publish.h"
#include "snapshot_format.h"
#include "watcher.h"

/* Sources of more bytes than this are compiled beside the loop, so that they delay no other home. */
enum { LARGE = 256 * 1024 };

static struct home_watch *container_of_job(struct job *job)
{
    return (struct home_watch *)((char *)job - offsetof(struct home_watch, job));
}

static long long now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000 + 1;
}

void home_watch_say(const struct home_watch *h, int priority, const char *code, const char *message)
{
    journal_write(&(struct journal_entry){.priority = priority,
                                          .label = h->label,
                                          .message = message,
                                          .home = h->home,
                                          .generation = h->state.generation,
                                          .code = code});
}

/* --- what is watched --- */

static bool knows_path(const struct home_watch *h, const char *path)
{
    for (size_t i = 0; i < h->path_count; i++)
        if (strcmp(path, h->paths[i]) == 0)
            return true;
    return false;
}

static void forget_paths(struct home_watch *h)
{
    for (size_t i = 0; i < h->path_count; i++)
        free(h->paths[i]);
    h->path_count = 0;
}

static void remember_paths(struct home_watch *h, const char *const *paths, size_t count)
{
    bool same = count == h->path_count;
    for (size_t i = 0; same && i < count; i++)
        same = knows_path(h, paths[i]);
    if (same)
        return;
    h->other_paths = true;
    forget_paths(h);
    for (size_t i = 0; i < count; i++) {
        char *copy = strdup(paths[i]);
        if (copy != NULL)
            h->paths[h->path_count++] = copy;
    }
}

static void learn_sources(struct home_watch *h, const struct compilation *c)
{
    const char *paths[COMPILE_MAX_SOURCES + 2];
    size_t count = 0;
    if (c->source_count < 5)
        return; /* it never came to reading */
    for (size_t i = 0; i < c->source_count; i++)
        paths[count++] = c->sources[i]->path;
    paths[count++] = arena_printf(c->arena, "%s/" SNAPSHOT_FILE, h->home);
    remember_paths(h, paths, count);
}

static void first_paths(struct home_watch *h)
{
    static const char *const names[] = {"config.yaml", ".env", "auth.json", SNAPSHOT_FILE};
    struct arena *arena = arena_create();
    const char *paths[sizeof names / sizeof *names + 2];
    size_t count = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        paths[count++] = arena_printf(arena, "%s/%s", h->home, names[i]);
    for (size_t i = 0; i < 2; i++)
        paths[count++] = arena_printf(arena, "%s/%s", h->watcher->managed, names[i]);
    remember_paths(h, paths, count);
    arena_destroy(arena);
}

/* Says what cannot be watched, when it is another answer than before. */
static void say_gaps(struct home_watch *h)
{
    struct watch_gap gaps[16];
    const size_t room = sizeof gaps / sizeof *gaps;
    char *text = NULL;
    size_t len = 0;
    size_t count = watch_client_gaps(h->watches, gaps, room);
    FILE *stream = count == 0 && h->said_gaps == NULL ? NULL : open_memstream(&text, &len);
    if (stream == NULL)
        return;
    for (size_t i = 0; i < count && i < room; i++)
        (void)fprintf(stream, "%s cannot be watched in full (%s): it is looked at every %d s\n", gaps[i].path,
                      gaps[i].why, WATCH_LOOK_SECONDS);
    if (count > room)
        (void)fprintf(stream, "... and %zu more\n", count - room);
    if (fclose(stream) == 0 && (h->said_gaps == NULL || strcmp(text, h->said_gaps) != 0))
        home_watch_say(h, LOG_WARNING, NULL, count > 0 ? text : "everything can be watched again");
    free(h->said_gaps);
    h->said_gaps = count > 0 ? text : NULL;
    if (count == 0)
        free(text);
}

/* True: something has changed of which no event tells. */
static bool update_watches(struct home_watch *h)
{
    if (!h->other_paths && !watch_client_is_stale(h->watches))
        return false;
    h->other_paths = false;
    bool changed = watch_client_update(h->watches, (const char *const *)h->paths, h->path_count);
    say_gaps(h);
    return changed;
}

/* --- one watcher per home --- */

static void unlock(struct home_watch *h)
{
    if (h->lock >= 0)
        (void)close(h->lock);
    h->lock = -1;
}

static void lock_path(const struct home_watch *h, char path[PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "%s/" WATCH_LOCK_FILE, h->home);
}

bool home_watch_is_locked(const struct home_watch *h)
{
    char path[PATH_MAX];
    struct stat held;
    struct stat st;
    lock_path(h, path);
    return h->lock >= 0 && fstat(h->lock, &held) == 0 && stat(path, &st) == 0 && held.st_dev == st.st_dev &&
           held.st_ino == st.st_ino;
}

static void say_unlocked(struct home_watch *h, int error)
{
    char path[PATH_MAX];
    char text[PATH_MAX + 200];
    if (h->said_unlocked == error)
        return;
    h->said_unlocked = error;
    lock_path(h, path);
    (void)snprintf(
        text, sizeof text,
        "%s cannot be locked (%s): a second hermes-watch would not be noticed, and no status.json is written", path,
        strerror(-error));
    home_watch_say(h, LOG_WARNING, NULL, text);
}

int home_watch_lock(struct home_watch *h, pid_t *ret_holder)
{
    char path[PATH_MAX];
    struct stat st;
    if (home_watch_is_locked(h))
        return 0;
    unlock(h);
    if (stat(h->home, &st) < 0 || st.st_uid != geteuid())
        return 0;
    int compile_lock = publish_lock(h->home, 0); /* makes the folder */
    if (compile_lock >= 0)
        (void)close(compile_lock);
    else if (compile_lock != -EWOULDBLOCK)
        return 0; /* nothing can be published there, which the compile says */
    lock_path(h, path);
    int lock = file_lock(path, 0600, 0);
    if (lock == -EWOULDBLOCK) {
        *ret_holder = file_lock_holder(path);
        return lock;
    }
    if (lock < 0) {
        say_unlocked(h, lock);
        return 0;
    }
    h->lock = lock;
    h->said_unlocked = 0;
    return 0;
}

/* --- one compile --- */

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
    return c->pool_waiting ? PACE_LOCKED : c->projected && !c->published ? PACE_REPAIRED : PACE_DONE;
}

static bool waiting_for_home(const struct home_watch *h)
{
    struct stat st;
    return stat(h->home, &st) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

static void say_stuck(struct home_watch *h)
{
    bool stuck = pace_lock_is_stuck(&h->pace, now_ms());
    if (stuck && !h->said_stuck) {
        char path[4096];
        char text[4400];
        (void)snprintf(path, sizeof path, "%s/auth.lock", h->home);
        (void)snprintf(text, sizeof text,
                       "error[pool-locked]: process %ld holds auth.lock: the pool still has the old keys; trying on",
                       (long)file_lock_holder(path));
        home_watch_say(h, LOG_ERR, "pool-locked", text);
    }
    h->said_stuck = stuck;
}

/* When everything is said: what was published is what the next compile compares with, and memory is what it waits for. */
static void read_ahead(struct home_watch *h)
{
    if (h->reader != NULL)
        (void)hermes_refresh(h->reader); /* an error is the next compile's to tell */
    else if (hermes_open(h->home, &h->reader) != 0)
        h->reader = NULL;
}

/* What a job works with is no other home's meanwhile. */
static struct arena *take_arena(struct watcher *w)
{
    struct arena *arena = w->arena != NULL ? w->arena : arena_create();
    w->arena = NULL;
    return arena;
}

static void give_arena(struct watcher *w, struct arena *arena)
{
    if (w->arena == NULL) {
        arena_clear(arena);
        w->arena = arena;
    } else {
        arena_destroy(arena);
    }
}

static void end_compilation(struct home_watch *h)
{
    compilation_tidy(&h->compilation);
    give_arena(h->watcher, h->arena);
    h->compilation = (struct compilation){.lock = -1};
}

static void work(struct job *job)
{
    struct home_watch *h = container_of_job(job);
    compile_home(&h->compilation, &(struct compile_request){.home = h->home,
                                                            .managed = h->watcher->managed,
                                                            .arena = h->arena,
                                                            .reader = &h->reader,
                                                            .write = true,
                                                            .hold_empty = h->hold_empty,
                                                            .proofs = &h->prover.proofs});
}

static void finish(struct home_watch *h)
{
    struct compilation *c = &h->compilation;
    h->pace.settle_ms = c->settings.settle_ms;
    if (c->outcome == COMPILE_FAILED && c->generation == 0) /* it could not even look */
        c->generation = h->state.generation;
    learn_sources(h, c);
    if (c->outcome == COMPILE_VALID) {
        h->pool = c->pool_stat;
        h->snapshot = c->snapshot_stat;
    }
    pace_end(&h->pace, now_ms(), outcome_of(c));
    if (c->outcome != COMPILE_BUSY || pace_busy_is_long(&h->pace, now_ms()))
        after_compile(h, c);
    prover_learn(h);
    say_stuck(h);
    end_compilation(h);
    read_ahead(h);
    if (h->other_paths) /* they are watched from now on: one may have changed in between */
        pace_event(&h->pace, now_ms());
}

static bool is_large(const struct home_watch *h)
{
    long long size = 0;
    struct stat st;
    for (size_t i = 0; i < h->path_count; i++)
        size += stat(h->paths[i], &st) == 0 ? st.st_size : 0;
    return size > LARGE;
}

/* False: there is nothing to compile, and that was said. */
static bool may_compile(struct home_watch *h)
{
    pid_t holder;
    (void)update_watches(h);
    if (waiting_for_home(h)) {
        unlock(h); /* it went with the home */
        after_absence(h);
        return false;
    }
    if (home_watch_lock(h, &holder) < 0) {
        after_refusal(h, holder);
        pace_end(&h->pace, now_ms(), PACE_FAILED); /* nothing tells when it ends */
        return false;
    }
    return true;
}

/* --- when --- */

static void wait_for_next(struct home_watch *h)
{
    long long wait = h->compiling ? -1 : pace_wait(&h->pace, now_ms());
    if (wait > 0)
        (void)sd_event_source_set_time_relative(h->timer, (uint64_t)wait * 1000);
    (void)sd_event_source_set_enabled(h->timer, wait > 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
    (void)sd_event_source_set_enabled(h->now, wait == 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static void looked_at(struct home_watch *h)
{
    if (h->reload_begun)
        watcher_looked_at(h->watcher, h);
    wait_for_next(h);
}

static void done(struct job *job)
{
    struct home_watch *h = container_of_job(job);
    h->compiling = false;
    if (h->removed) { /* nobody is left to be told */
        end_compilation(h);
        home_watch_destroy(h);
        return;
    }
    finish(h);
    looked_at(h);
    home_report_soon(h);
}

static void start(struct home_watch *h)
{
    h->hold_empty = !pace_start(&h->pace, now_ms());
    h->reload_begun = h->reloading;
    if (!may_compile(h)) {
        looked_at(h);
        return;
    }
    if (h->reloading)
        prover_forget(&h->prover);
    h->arena = take_arena(h->watcher);
    h->compiling = true;
    h->job = (struct job){.work = work, .done = done};
    if (h->lock >= 0 && is_large(h)) {
        job_start(h->watcher->jobs, &h->job);
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

void home_watch_request(struct home_watch *h)
{
    h->pace.due = now_ms();
    h->report.wanted = true;
    wait_for_next(h);
}

static bool still(const struct home_watch *h, const char *name, const struct stat *left)
{
    char path[4096];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/%s", h->home, name);
    return stat(path, &st) == 0 && st.st_dev == left->st_dev && st.st_ino == left->st_ino &&
           st.st_size == left->st_size && st.st_mtim.tv_sec == left->st_mtim.tv_sec &&
           st.st_mtim.tv_nsec == left->st_mtim.tv_nsec;
}

/* Our own replacing of auth.json and of the snapshot comes back as an event; it is no news. Everybody else's makes
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

struct home_watch *home_watch_create(struct watcher *watcher, const char *home, const char *label)
{
    static const char *const derived[] = {"auth.json", "snapshot.json", NULL};
    struct home_watch *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    *h = (struct home_watch){.watcher = watcher, .lock = -1, .pace = {.settle_ms = WATCH_SETTLE_MS}};
    h->home = strdup(home);
    h->label = label == NULL ? NULL : strdup(label);
    if (h->home == NULL || (label != NULL && h->label == NULL) ||
        sd_event_add_time(watcher->event, &h->timer, CLOCK_MONOTONIC, 0, 1, at_time, h) < 0 ||
        sd_event_source_set_enabled(h->timer, SD_EVENT_OFF) < 0 ||
        sd_event_add_defer(watcher->event, &h->now, at_once, h) < 0 || /* on: the first compile */
        home_report_open(h) < 0 || drift_look_open(h) < 0) {
        home_watch_destroy(h);
        return NULL;
    }
    h->watches = watch_client_create(watcher->watches, derived, at_news, h);
    first_paths(h);
    return h;
}

void home_watch_destroy(struct home_watch *h)
{
    if (h == NULL)
        return;
    h->timer = sd_event_source_disable_unref(h->timer);
    h->now = sd_event_source_disable_unref(h->now);
    watch_client_destroy(h->watches);
    h->watches = NULL;
    home_report_close(h);
    drift_look_close(h);
    h->removed = true;
    if (h->compiling || h->drift.looking)
        return; /* when that is through */
    prover_finish(&h->prover);
    announcer_finish(&h->announcer);
    reloader_finish(&h->reloader);
    unlock(h);
    forget_paths(h);
    hermes_close(h->reader);
    free(h->said);
    free(h->said_gaps);
    home_state_finish(&h->state);
    free(h->home);
    free(h->label);
    free(h);
}
