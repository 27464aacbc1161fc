#include "home_watch.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "clock.h"
#include "file_lock.h"
#include "memory.h"
#include "plain_name.h"
#include "previous.h"
#include "snapshot_format.h"

/* Sources of more bytes than this are compiled beside the loop, so that they delay no other home. */
enum { LARGE = 256 * 1024 };

/* What a file system takes at most for all that a compile asks of it; then it hangs. */
enum { PATIENCE_USEC = 3000000 };

static long long now_ms(void)
{
    return clock_monotonic_us() / 1000 + 1;
}

/* --- what is watched --- */

static void learn_gaps(void *home)
{
    struct home_watch *h = home;
    struct watch_gap gaps[64];
    const size_t room = sizeof gaps / sizeof *gaps;
    const size_t said = 16;
    const size_t count = watch_client_gaps(h->watches, gaps, room);
    if (count == 0 && h->state.polling == NULL)
        return;
    struct memory_hold hold;
    struct text text = {.arena = arena_create()};
    arena_hold(&hold, text.arena);
    for (size_t i = 0; i < count && i < said; i++)
        text_printf(&text, "%s cannot be watched in full (%s): it is checked every %d s\n", gaps[i].path, gaps[i].why,
                    WATCH_LOOK_SECONDS);
    if (count > said)
        text_printf(&text, "... and %zu more\n", count - said);
    if (home_state_learn_gaps(&h->state, text.arena, gaps, count, room)) {
        home_report_soon(&h->report);
        watched_home_say(&h->home, LOG_WARNING, NULL, count > 0 ? text.bytes : "everything can be watched again");
    }
    memory_give_back(&hold);
}

/* Says what cannot be watched, when it is another answer than before. */
static void say_gaps(struct home_watch *h)
{
    h->updated = h->updated && !memory_try(learn_gaps, h);
}

bool home_watch_is_foreign(const struct home_watch *h)
{
    return watch_client_is_foreign(h->watches);
}

/* True: something has changed of which no event tells. WAIT: in a thread. */
static bool update_watches(struct home_watch *h, bool wait)
{
    if (!h->paths.other && !watch_client_is_stale(h->watches))
        return false;
    bool changed = watch_client_update(h->watches, (const char *const *)h->paths.items, h->paths.count, wait);
    h->updated = true;
    h->paths.other = h->paths.other && watch_client_is_stale(h->watches);
    return changed;
}

enum left { LEFT_SO, LEFT_IN_ANOTHER_MODE, LEFT_OTHERWISE };

static enum left still(const char *path, const struct stat *left)
{
    struct stat st;
    if (stat(path, &st) < 0 || st.st_dev != left->st_dev || st.st_ino != left->st_ino || st.st_size != left->st_size ||
        st.st_mtim.tv_sec != left->st_mtim.tv_sec || st.st_mtim.tv_nsec != left->st_mtim.tv_nsec)
        return LEFT_OTHERWISE;
    return st.st_mode == left->st_mode ? LEFT_SO : LEFT_IN_ANOTHER_MODE;
}

/* Or it is as little there as it was. */
static bool is_inherited_still(const struct home_watch *h)
{
    if (h->root_pool == NULL)
        return true;
    return h->inherited.st_ino != 0 ? still(h->root_pool, &h->inherited) == LEFT_SO : access(h->root_pool, F_OK) != 0;
}

/* compiled/ is; a compile closes it. */
static bool is_open_to_others(const char *home)
{
    char folder[4096];
    struct stat st;
    (void)snprintf(folder, sizeof folder, "%s/" SNAPSHOT_DIRECTORY, home);
    return stat(folder, &st) == 0 && (st.st_mode & 077) != 0;
}

/* Our own replacing of auth.json and of the snapshot comes back as an event; it is no news. Everybody else's makes
 * another inode. */
static enum left is_as_left(const struct home_watch *h)
{
    char pool[4096];
    char snapshot[4096];
    (void)snprintf(pool, sizeof pool, "%s/auth.json", h->path);
    (void)snprintf(snapshot, sizeof snapshot, "%s/" SNAPSHOT_FILE, h->path);
    enum left left = still(pool, &h->pool);
    if (left == LEFT_SO && is_open_to_others(h->path))
        return LEFT_IN_ANOTHER_MODE;
    return left == LEFT_OTHERWISE || left > still(snapshot, &h->snapshot) ? left : still(snapshot, &h->snapshot);
}

/* --- before a compile: the home is there, and nobody else's --- */

static enum home_found look_before(struct home_watch *h)
{
    struct stat st;
    if (stat(h->path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        home_lock_release(&h->lock); /* it went with the home */
        return FOUND_NOTHING;
    }
    home_lock_open(&h->lock, &h->home);
    return FOUND_HOME;
}

/* --- after a compile --- */

static enum pace_outcome outcome_of(const struct compilation *c)
{
    switch (c->outcome) {
    case COMPILE_HELD:
        return c->held == NULL ? PACE_HELD : PACE_DONE;
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
    return c->publication.pool_waiting                             ? PACE_LOCKED
           : c->publication.projected && !c->publication.published ? PACE_REPAIRED
                                                                   : PACE_DONE;
}

static void say_stuck(struct home_watch *h)
{
    bool stuck = pace_lock_is_stuck(&h->pace, now_ms());
    if (stuck && !h->said_stuck) {
        char path[4096];
        char text[4400];
        (void)snprintf(path, sizeof path, "%s/auth.lock", h->path);
        (void)snprintf(text, sizeof text,
                       "error[pool-locked]: process %ld holds auth.lock: the pool still has the old keys; retrying",
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

/* COMPILATION was tidied up. */
static void end_compilation(struct home_watch *h)
{
    commons_give_arena(h->commons, h->arena);
    h->compilation = (struct compilation){.lock = -1};
    hermes_view_unref(h->before);
    h->before = NULL;
}

static struct metrics_source metrics_of(const struct home_watch *h, bool reader)
{
    return (struct metrics_source){(const char *const *)h->paths.items, h->paths.count, reader ? h->reader : NULL};
}

static void at_drift(void *home, const struct drift *drift)
{
    struct home_watch *h = home;
    bool first = h->state.findings == NULL;
    if (!home_state_learn_drift(&h->state, drift)) {
        home_report_looked(&h->report);
        return;
    }
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
    if (!h->busy && prove_learn(&h->after.prover))
        home_watch_request(h);
}

/* --- jobs: what asks the file system, in the loop, or beside it where that may take long --- */

static struct home_watch *home_of(struct job *job)
{
    return (struct home_watch *)((char *)job - offsetof(struct home_watch, job));
}

static void be_patient(struct home_watch *h, bool on)
{
    if (on)
        (void)sd_event_source_set_time_relative(h->patience, PATIENCE_USEC);
    (void)sd_event_source_set_enabled(h->patience, on ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

/* Calls DONE in the loop when WORK is through. */
static void begin(struct home_watch *h, void (*work)(struct job *job), void (*done)(struct job *job))
{
    h->busy = true;
    h->job = (struct job){.work = work, .done = done, .apart = home_watch_is_foreign(h)};
    if (h->job.apart)
        be_patient(h, true);
    h->in_loop = !h->job.apart && home_paths_size(&h->paths) <= LARGE;
    if (!h->in_loop) {
        jobs_start(h->commons->jobs, &h->job);
    } else { /* faster than a thread is made */
        work(&h->job);
        done(&h->job);
    }
}

/* False: nobody is left to be told. */
static bool came_back(struct home_watch *h)
{
    h->busy = false;
    if (h->removed) {
        home_watch_destroy(h);
        return false;
    }
    be_patient(h, false);
    if (h->hung) /* and what has been said since is true no longer */
        pace_event(&h->pace, now_ms());
    if (h->report_missed)
        home_report_soon(&h->report);
    h->hung = h->report_missed = false;
    return true;
}

/* The way to PATH leads over a file system that may not answer. */
static bool is_foreign(struct home_watch *h, const char *path)
{
    struct watch_client *client = watch_client_create(h->commons->watches, NULL, NULL, NULL);
    if (client == NULL)
        return true;
    (void)watch_client_update(client, &path, 1, false);
    bool foreign = watch_client_is_foreign(client);
    watch_client_destroy(client);
    return foreign;
}

/* status.json lies where it can be written, unless the home itself does not answer. */
static bool is_home_foreign(struct home_watch *h)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/" SNAPSHOT_FILE, h->path);
    return is_foreign(h, path);
}

/* Of what is watched already it is known before the compile begins, which is not in the loop then. */
static bool hangs_the_loop(void *home, const char *path)
{
    struct home_watch *h = home;
    return h->in_loop && !home_paths_has(&h->paths, path) && is_foreign(h, path);
}

/* What was asked about last; or, where that always answers, the first source that may not: it is being read then, or
 * looked at for a report. */
static const char *hung_path(struct home_watch *h, char path[4096])
{
    watch_client_touching(h->watches, path, 4096);
    if (*path != '\0' && is_foreign(h, path))
        return path;
    for (size_t i = 0; i < h->paths.count; i++)
        if (is_foreign(h, h->paths.items[i]))
            return h->paths.items[i];
    return *path == '\0' ? h->path : path;
}

static void say_hung(void *home)
{
    struct home_watch *h = home;
    char path[4096];
    if (h->state.generation == 0 && !is_home_foreign(h)) /* nobody has come to it yet */
        h->state.generation = previous_in_force(h->path);
    after_compile_hung(&h->after, hung_path(h, path));
}

static void at_patience_end(struct home_watch *h)
{
    h->hung = true;
    if (!memory_try(say_hung, h))
        be_patient(h, true);
    systemd_status_looked_at(&h->commons->systemd, &h->state);
    if (h->lock.fd >= 0 && !is_home_foreign(h))
        home_report_status(&h->report);
}

/* --- the story: an event, the pace, a compile, and what follows --- */

static void go_on(struct home_watch *h);

/* An event. */
static void at_news(void *home, enum watch_news news)
{
    struct home_watch *h = home;
    const bool foreign = home_watch_is_foreign(h) || (h->busy && h->job.apart);
    if (h->removed)
        return;
    bool apart = news == WATCH_APART && (foreign || !update_watches(h, false));
    if (news == WATCH_LOOK) {
        h->look = true;
        go_on(h);
        return;
    }
    if (!foreign)
        say_gaps(h);
    const bool look = apart && !foreign && !home_watch_is_foreign(h);
    const enum left left = look ? is_as_left(h) : LEFT_OTHERWISE;
    const bool inherited = !look || is_inherited_still(h);
    if (left == LEFT_SO && inherited)
        return;
    apart = apart && inherited;
    h->check_first = apart && foreign && (h->check_first || h->pace.due == 0);
    if (apart && left != LEFT_IN_ANOTHER_MODE)
        pace_undone(&h->pace, now_ms());
    else if (news == WATCH_WRITING || apart) /* chmod -R goes from file to file */
        pace_writing(&h->pace, now_ms());
    else
        pace_event(&h->pace, now_ms());
    go_on(h);
}

void home_watch_request(struct home_watch *h)
{
    h->pace.due = now_ms();
    h->check_first = false;
    home_report_want(&h->report);
    if (h->hung)
        systemd_status_looked_at(&h->commons->systemd, &h->state);
    go_on(h);
}

/* Since something was held back, at most: twice, and there was a whole text in between perhaps. */
static bool saved_once(const struct home_watch *h)
{
    return h->saved - h->emptied_saved <= 1;
}

/* The compile. */
static void compile(struct home_watch *h)
{
    compile_home(&h->compilation, &(struct compile_request){.home = h->path,
                                                            .managed = h->commons->managed,
                                                            .arena = h->arena,
                                                            .reader = &h->reader,
                                                            .write = true,
                                                            .hold_vanished = h->hold_vanished,
                                                            .hold_empty = h->hold_empty,
                                                            .confirmed = saved_once(h) ? &h->emptied : NULL,
                                                            .proofs = &h->after.prover.proofs,
                                                            .hangs = hangs_the_loop,
                                                            .owner = h});
}

static void find_home(struct job *job)
{
    struct home_watch *h = home_of(job);
    bool changed = job->apart && update_watches(h, true);
    h->found =
        h->checking && !changed && is_as_left(h) == LEFT_SO && is_inherited_still(h) ? FOUND_SAME : look_before(h);
}

static void compile_found(struct job *job)
{
    struct home_watch *h = home_of(job);
    if (h->locked != 0)
        h->holder = home_lock_refused(&h->lock, &h->home, h->locked);
    if (h->locked == -EWOULDBLOCK) {
        h->found = FOUND_TAKEN;
        return;
    }
    compile(h);
    if (!job->apart)
        return; /* the rest waits until everybody is told */
    h->before = h->reader == NULL ? NULL : hermes_hold(h->reader);
    compilation_tidy(&h->compilation);
    read_ahead(h);
}

static void work(struct job *job)
{
    struct home_watch *h = home_of(job);
    job_ask(job, find_home);
    if (h->found != FOUND_HOME)
        return;
    h->locked = home_lock_take(&h->lock);
    job_ask(job, compile_found);
}

static void learn_root_pool(struct home_watch *h, const struct source *pool)
{
    h->inherited = pool != NULL && pool->present ? pool->moment : (struct stat){0};
    if (pool != NULL && h->root_pool == NULL)
        h->root_pool = strdup(pool->path);
}

static void learn_emptied(struct home_watch *h, const struct compilation *c)
{
    const bool held = c->outcome == COMPILE_HELD;
    const bool seen = c->sources.count > 0 && c->sources.outcome == READ_OK && !(held && c->held == NULL);
    if (seen) /* else nobody has come to it */
        h->emptied = c->emptied;
    if (seen && held)
        h->emptied_saved = h->saved;
}

static void follow(void *home)
{
    struct home_watch *h = home;
    const struct compilation *c = &h->compilation;
    home_paths_learn(&h->paths, h->path, c);
    if (c->outcome != COMPILE_BUSY || pace_busy_is_long(&h->pace, now_ms()))
        after_compile(&h->after, c);
    at_learned(h);
}

/* What follows. */
static void finish(struct home_watch *h)
{
    struct compilation *c = &h->compilation;
    h->pace.settle_ms = c->settings.settle_ms;
    if (c->outcome == COMPILE_FAILED && c->generation == 0) /* it could not even look */
        c->generation = h->state.generation;
    if (c->outcome == COMPILE_VALID) {
        h->pool = c->publication.pool_stat;
        h->snapshot = c->publication.snapshot_stat;
    }
    learn_root_pool(h, c->sources.root_pool);
    learn_emptied(h, c);
    pace_end(&h->pace, now_ms(), outcome_of(c));
    h->state.undone = outcome_of(c) == PACE_REPAIRED && pace_is_undone(&h->pace, now_ms());
    if (!memory_try(follow, h))
        pace_end(&h->pace, now_ms(), PACE_FAILED); /* the next compile is followed */
    h->drift.apart = h->job.apart;
    if (c->outcome != COMPILE_BUSY && c->outcome != COMPILE_HELD && h->lock.fd >= 0)
        drift_look_soon(&h->drift);
    say_stuck(h);
    commons_say_unlocked(h->commons);
    if (!h->job.apart)
        compilation_tidy(c);
    end_compilation(h);
    if (!h->job.apart)
        read_ahead(h);
    if (!h->paths.other)
        return;
    pace_event(&h->pace, now_ms()); /* they are watched from now on: one may have changed in between */
    if (!home_watch_is_foreign(h))
        (void)update_watches(h, false);
    h->drift.apart = h->drift.apart || home_watch_is_foreign(h); /* it reads what the next compile reads */
}

static void follow_no_compile(void *home)
{
    struct home_watch *h = home;
    if (h->found == FOUND_NOTHING)
        after_compile_absence(&h->after);
    else if (h->found == FOUND_TAKEN)
        after_compile_taken(&h->after, h->holder);
}

static void done(struct job *job)
{
    struct home_watch *h = home_of(job);
    if (h->removed && h->found == FOUND_HOME) {
        compilation_tidy(&h->compilation);
        end_compilation(h);
    } else if (h->removed || h->found != FOUND_HOME) {
        commons_give_arena(h->commons, h->arena);
    }
    if (!came_back(h))
        return;
    say_gaps(h);
    if (h->found == FOUND_HOME)
        finish(h);
    else if (!memory_try(follow_no_compile, h))
        pace_end(&h->pace, now_ms(), PACE_FAILED);
    if (h->found == FOUND_TAKEN)
        pace_end(&h->pace, now_ms(), PACE_TAKEN);
    if (h->reload_begun)
        systemd_status_looked_at(&h->commons->systemd, &h->state);
    if (h->found == FOUND_HOME)
        home_report_soon(&h->report);
    go_on(h);
}

static void take_arena(void *home)
{
    struct home_watch *h = home;
    h->arena = commons_take_arena(h->commons);
}

static void start(struct home_watch *h)
{
    h->state.due = false;
    h->hold_vanished = !pace_start(&h->pace, now_ms()) && !h->state.reloading;
    h->hold_empty = !h->state.reloading; /* a reload says that it is meant */
    h->reload_begun = h->state.reloading;
    h->saved = watch_client_saved(h->watches);
    h->checking = h->check_first;
    h->check_first = false;
    if (h->state.reloading)
        prove_forget(&h->after.prover);
    if (!memory_try(take_arena, h)) {
        pace_end(&h->pace, now_ms(), PACE_FAILED);
        go_on(h);
        return;
    }
    if (!home_watch_is_foreign(h))
        (void)update_watches(h, false); /* may find out that it is */
    begin(h, work, done);
}

/* Nothing, a look, or a compile now or later. */
static void go_on(struct home_watch *h)
{
    long long wait = h->busy ? -1 : pace_wait(&h->pace, now_ms());
    const bool now = wait == 0 || (h->look && !h->busy);
    if (wait > 0)
        (void)sd_event_source_set_time_relative(h->timer, (uint64_t)wait * 1000);
    if (sd_event_source_set_enabled(h->timer, wait > 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF) < 0 ||
        sd_event_source_set_enabled(h->now, now ? SD_EVENT_ONESHOT : SD_EVENT_OFF) < 0)
        watch_client_remind(h->watches); /* the queue of what is due may have to grow */
    h->state.due = wait == 0;
}

/* --- a look at what cannot be watched, beside the loop --- */

static void ask_all(struct job *job)
{
    watch_client_look(home_of(job)->watches);
}

static void look(struct job *job)
{
    job_ask(job, ask_all);
}

static void looked(struct job *job)
{
    struct home_watch *h = home_of(job);
    if (!came_back(h))
        return;
    watch_set_tell(h->commons->watches); /* this home among them */
    go_on(h);
}

/* --- the report of a home whose file system may not answer --- */

static void write_report(struct job *job)
{
    struct home_watch *h = home_of(job);
    const struct metrics_source source = metrics_of(h, true);
    if (home_lock_is_held(&h->lock, h->path))
        home_report_write(&h->report, &h->shown, &source);
}

static void report(struct job *job)
{
    job_ask(job, write_report);
}

static void reported(struct job *job)
{
    struct home_watch *h = home_of(job);
    home_state_finish(&h->shown);
    if (!came_back(h))
        return;
    home_report_written(&h->report);
    go_on(h);
}

static bool at_report(void *home, struct metrics_source *ret)
{
    struct home_watch *h = home;
    h->report_missed = h->busy;
    if (h->lock.fd < 0 || h->busy)
        return false;
    *ret = metrics_of(h, true);
    if (!home_watch_is_foreign(h))
        return home_lock_is_held(&h->lock, h->path); /* else another folder stands there now, perhaps not ours */
    if (home_state_copy(&h->state, &h->shown))
        begin(h, report, reported);
    else
        home_report_soon(&h->report);
    return false;
}

static int at_time(sd_event_source *timer, uint64_t when, void *home)
{
    (void)timer;
    (void)when;
    if (!((struct home_watch *)home)->busy) /* else its end goes on */
        start(home);
    return 0;
}

static int at_once(sd_event_source *now, void *home)
{
    struct home_watch *h = home;
    (void)now;
    if (h->busy)
        return 0; /* its end goes on */
    const bool wants_look = h->look;
    h->look = false;
    if (pace_wait(&h->pace, now_ms()) == 0)
        start(h);
    else if (wants_look)
        begin(h, look, looked);
    return 0;
}

static int at_patience(sd_event_source *timer, uint64_t when, void *home)
{
    (void)timer;
    (void)when;
    at_patience_end(home);
    return 0;
}

/* --- from its beginning to its end --- */

static int open_all(struct home_watch *h)
{
    struct commons *commons = h->commons;
    h->home = (struct watched_home){commons->event, h->path, h->place, h->label, commons->quiet, &h->state};
    h->state.home = h->path;
    h->state.process = getpid();
    h->state.label = h->label != NULL ? h->label : h->place;
    after_compile_open(&h->after, &h->home, &commons->systemd, at_learned, h);
    int error = sd_event_add_time(commons->event, &h->timer, CLOCK_MONOTONIC, 0, 1, at_time, h);
    if (error >= 0)
        error = sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
    if (error >= 0)
        error = sd_event_add_time(commons->event, &h->patience, CLOCK_MONOTONIC, 0, 1, at_patience, h);
    if (error >= 0)
        error = sd_event_source_set_enabled(h->patience, SD_EVENT_OFF);
    if (error >= 0) /* on: the first compile */
        error = sd_event_add_defer(commons->event, &h->now, at_once, h);
    if (error >= 0)
        error = home_report_open(&h->report, commons->event, &h->state, commons->started, at_report, h);
    if (error >= 0)
        error = drift_look_open(&h->drift, &h->home, commons->managed, commons->jobs, &commons->drift, at_drift, h);
    return error < 0 ? error : systemd_status_add(&commons->systemd, &h->state);
}

/* The path or name of a profile: its own name may be a key. Of any other home, the path. NULL: out of memory. */
static char *shown_path(const char *path)
{
    static const char profiles[] = "/profiles/";
    char *shown = NULL;
    struct fingerprint print;
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    const size_t before = (size_t)(name - path);
    if (before > 0 && (before < strlen(profiles) || strncmp(name - strlen(profiles), profiles, strlen(profiles)) != 0))
        return strdup(path);
    return asprintf(&shown, "%.*s%s", (int)before, path, plain_name_or_print(name, &print)) < 0 ? NULL : shown;
}

struct home_watch *home_watch_create(struct commons *commons, const char *path, const char *label)
{
    static const char *const derived[] = {"auth.json", "snapshot.json", NULL};
    struct home_watch *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    *h = (struct home_watch){
        .commons = commons, .lock = HOME_LOCK_NONE, .pace = {.settle_ms = WATCH_SETTLE_MS, .due = 1}};
    h->path = strdup(path);
    h->place = shown_path(path);
    h->label = label == NULL ? NULL : shown_path(label);
    h->state.due = true;
    h->watches = watch_client_create(commons->watches, derived, at_news, h);
    if (h->path == NULL || h->place == NULL || (label != NULL && h->label == NULL) || h->watches == NULL ||
        !home_paths_begin(&h->paths, path, commons->managed) || open_all(h) < 0) {
        home_watch_destroy(h);
        return NULL;
    }
    return h;
}

void home_watch_leave(struct home_watch *h)
{
    const struct metrics_source last = metrics_of(h, !h->busy);
    home_report_close(&h->report, home_lock_is_held(&h->lock, h->path) ? &last : NULL);
    home_lock_release(&h->lock); /* a thread that a server holds on to may keep the process from ending */
}

void home_watch_destroy(struct home_watch *h)
{
    if (h == NULL)
        return;
    h->timer = sd_event_source_disable_unref(h->timer);
    h->now = sd_event_source_disable_unref(h->now);
    h->patience = sd_event_source_disable_unref(h->patience);
    if (!h->removed) {
        if (!h->busy && h->watches != NULL && !home_watch_is_foreign(h))
            home_watch_leave(h);
        drift_look_close(&h->drift);
        systemd_status_remove(&h->commons->systemd, &h->state);
    }
    h->removed = true;
    if (h->busy)
        return; /* when that is through */
    home_report_close(&h->report, NULL);
    watch_client_destroy(h->watches);
    after_compile_close(&h->after);
    home_lock_release(&h->lock);
    home_paths_finish(&h->paths);
    hermes_close(h->reader);
    home_state_finish(&h->state);
    free(h->root_pool);
    free(h->path);
    free(h->place);
    free(h->label);
    free(h);
}
