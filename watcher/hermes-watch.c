/* hermes-watch: compiles a Hermes home at every change of its sources. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "compile.h"
#include "file_lock.h"
#include "notify.h"
#include "pace.h"
#include "publish.h"
#include "snapshot_format.h"
#include "watch_set.h"

enum { EXIT_OK = 0, EXIT_USAGE = 2, EXIT_IO = 4 };

struct watcher {
    const char *home;
    const char *managed;
    struct watch_set *watches;
    struct pace pace;
    char *paths[COMPILE_MAX_SOURCES + 2]; /* what is watched */
    size_t path_count;
    char *said;           /* the diagnostics of the last compile: they are not repeated */
    char *told;           /* the last status line */
    struct stat pool;     /* auth.json as our last compile left it */
    struct stat snapshot; /* ... and the snapshot */
    int signals;
    int lock;
    struct hermes *reader; /* has the snapshot in memory, so that the next compile need not read it first */
    bool ready;
    bool said_stuck;
    bool quiet;
    bool dirty; /* the set of sources changed during the last compile */
};

static const char usage[] = "usage: hermes-watch [--home DIR] [--quiet] [--version] [--help]\n"
                            "\n"
                            "Compiles the Hermes home (else $HERMES_HOME, else ~/.hermes) at every change of its\n"
                            "config.yaml and env files, until it is stopped. SIGHUP compiles at once.\n";

static long long now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000 + 1;
}

/* The journal takes the priority from the start of a line. */
static void say(int priority, const char *text)
{
    bool journal = getenv("JOURNAL_STREAM") != NULL;
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        if (journal)
            (void)fprintf(stderr, "<%d>", priority);
        (void)fprintf(stderr, "%.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static char *diagnostics_text(const struct compilation *c)
{
    char *text = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&text, &len);
    if (stream == NULL)
        return NULL;
    for (size_t i = 0; i < c->diagnostics.count; i++)
        diagnostic_print(c->diagnostics.items[i], false, stream);
    (void)fclose(stream);
    return text;
}

static void say_diagnostics(struct watcher *w, const struct compilation *c)
{
    char *text = diagnostics_text(c);
    if (text == NULL)
        return;
    bool news = w->said == NULL || strcmp(w->said, text) != 0;
    if (news && (c->diagnostics.errors > 0 || !w->quiet))
        say(c->diagnostics.errors > 0 ? 3 : 4, text);
    free(w->said);
    w->said = text;
}

static void say_changes(const struct watcher *w, const struct compilation *c)
{
    if (w->quiet || (!c->published && !c->projected))
        return;
    struct text text = {.arena = c->arena};
    text_printf(&text, "generation %lld\n", c->generation);
    if (c->published && c->plan.lines.len > 0)
        text_append(&text, c->plan.lines.bytes, c->plan.lines.len);
    if (c->projected && c->pool_plan.len > 0)
        text_append(&text, c->pool_plan.bytes, c->pool_plan.len);
    say(6, text.bytes);
}

static const struct diagnostic *first_error(const struct compilation *c)
{
    for (size_t i = 0; i < c->diagnostics.count; i++)
        if (c->diagnostics.items[i]->severity == SEVERITY_ERROR)
            return c->diagnostics.items[i];
    return NULL;
}

static const char *status_line(const struct watcher *w, const struct compilation *c)
{
    const struct diagnostic *error = first_error(c);
    if (error != NULL)
        return arena_printf(c->arena, "generation %lld kept: %s%serror[%s] %s", c->generation,
                            place_text(c->arena, error->place), error->place.source != NULL ? ": " : "", error->code,
                            error->message);
    if (c->outcome == COMPILE_HELD)
        return arena_printf(c->arena, "generation %lld kept: config.yaml is empty at this moment", c->generation);
    if (c->pool_waiting)
        return arena_printf(c->arena, "generation %lld, waiting for auth.lock", c->generation);
    return arena_printf(c->arena, "generation %lld, %zu providers, watching %s", c->generation, c->providers.count,
                        w->home);
}

static void tell(struct watcher *w, const struct compilation *c)
{
    const char *status = status_line(w, c);
    bool news = c->published || c->projected || w->told == NULL || strcmp(w->told, status) != 0;
    if (!w->ready)
        notify_ready(status);
    else if (news)
        notify_status(status);
    w->ready = true;
    free(w->told);
    w->told = strdup(status);
}

/* --- what is watched --- */

static bool same_paths(const struct watcher *w, const char *const *paths, size_t count)
{
    if (count != w->path_count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(paths[i], w->paths[i]) != 0)
            return false;
    return true;
}

static void remember_paths(struct watcher *w, const char *const *paths, size_t count)
{
    w->dirty = !same_paths(w, paths, count);
    if (!w->dirty)
        return;
    for (size_t i = 0; i < w->path_count; i++)
        free(w->paths[i]);
    w->path_count = 0;
    for (size_t i = 0; i < count; i++) {
        char *copy = strdup(paths[i]);
        if (copy != NULL)
            w->paths[w->path_count++] = copy;
    }
}

static void learn_sources(struct watcher *w, const struct compilation *c)
{
    const char *paths[COMPILE_MAX_SOURCES + 2];
    size_t count = 0;
    if (c->source_count < 5)
        return; /* it never came to reading */
    for (size_t i = 0; i < c->source_count; i++)
        paths[count++] = c->sources[i]->path;
    paths[count++] = arena_printf(c->arena, "%s/" SNAPSHOT_FILE, w->home);
    remember_paths(w, paths, count);
}

static void first_paths(struct watcher *w)
{
    static const char *const names[] = {"config.yaml", ".env", "auth.json", SNAPSHOT_FILE};
    struct arena *arena = arena_create();
    const char *paths[6];
    size_t count = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        paths[count++] = arena_printf(arena, "%s/%s", w->home, names[i]);
    for (size_t i = 0; i < 2; i++)
        paths[count++] = arena_printf(arena, "%s/%s", w->managed, names[i]);
    remember_paths(w, paths, count);
    arena_destroy(arena);
}

static void update_watches(struct watcher *w)
{
    int error = watch_set_update(w->watches, (const char *const *)w->paths, w->path_count);
    if (error != 0) {
        char text[256];
        (void)snprintf(
            text, sizeof text,
            "hermes-watch: cannot watch everything: %s (see fs.inotify.max_user_watches); looking every %d s\n",
            strerror(-error), PACE_RETRY_MS / 1000);
        say(3, text);
        pace_end(&w->pace, now_ms(), PACE_FAILED);
    }
}

/* --- one watcher per home --- */

static void take_lock(struct watcher *w)
{
    char path[4096];
    struct stat st;
    if (w->lock >= 0 || stat(w->home, &st) < 0 || st.st_uid != geteuid())
        return;
    int compile_lock = publish_lock(w->home, 0); /* makes the folder */
    if (compile_lock >= 0)
        (void)close(compile_lock);
    (void)snprintf(path, sizeof path, "%s/" SNAPSHOT_DIRECTORY "/watch.lock", w->home);
    w->lock = file_lock(path, 0600, 0);
    if (w->lock == -EWOULDBLOCK) {
        (void)fprintf(stderr, "hermes-watch: process %ld watches %s already\n", (long)file_lock_holder(path), w->home);
        exit(EXIT_IO);
    }
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
        return PACE_DONE;
    case COMPILE_VALID:
        break;
    }
    return c->pool_waiting ? PACE_LOCKED : c->projected && !c->published ? PACE_REPAIRED : PACE_DONE;
}

static bool waiting_for_home(const struct watcher *w)
{
    struct stat st;
    return stat(w->home, &st) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

static void say_waiting(struct watcher *w)
{
    char text[4200];
    (void)snprintf(text, sizeof text, "%s does not exist yet; waiting for it", w->home);
    if (w->said == NULL || strcmp(w->said, text) != 0)
        say(5, text);
    free(w->said);
    w->said = strdup(text);
    if (w->ready)
        notify_status(text);
    else
        notify_ready(text);
    w->ready = true;
    free(w->told);
    w->told = NULL;
    if (w->lock >= 0)
        (void)close(w->lock); /* it went with the home */
    w->lock = -1;
}

static void say_stuck(struct watcher *w)
{
    bool stuck = pace_lock_is_stuck(&w->pace, now_ms());
    if (stuck && !w->said_stuck) {
        char path[4096];
        char text[4400];
        (void)snprintf(path, sizeof path, "%s/auth.lock", w->home);
        (void)snprintf(text, sizeof text,
                       "error[pool-locked]: process %ld holds auth.lock: the pool still has the old keys; trying on",
                       (long)file_lock_holder(path));
        say(3, text);
    }
    w->said_stuck = stuck;
}

/* When everything is said: what was published is what the next compile compares with. */
static void read_ahead(struct watcher *w)
{
    if (w->reader != NULL)
        (void)hermes_refresh(w->reader); /* an error is the next compile's to tell */
    else if (hermes_open(w->home, &w->reader) != 0)
        w->reader = NULL;
}

static void compile_now(struct watcher *w)
{
    struct compilation c;
    bool believe_empty = pace_start(&w->pace, now_ms());
    update_watches(w);
    if (waiting_for_home(w)) {
        say_waiting(w);
        return;
    }
    take_lock(w);
    compile_home(
        &c,
        &(struct compile_request){
            .home = w->home, .managed = w->managed, .reader = &w->reader, .write = true, .hold_empty = !believe_empty});
    w->pace.settle_ms = c.settle_ms;
    learn_sources(w, &c);
    if (c.outcome != COMPILE_BUSY) {
        tell(w, &c); /* first: somebody may be waiting for it */
        say_diagnostics(w, &c);
        say_changes(w, &c);
    }
    if (c.outcome == COMPILE_VALID) {
        w->pool = c.pool_stat;
        w->snapshot = c.snapshot_stat;
    }
    pace_end(&w->pace, now_ms(), outcome_of(&c));
    say_stuck(w);
    compilation_finish(&c);
    read_ahead(w);
    (void)malloc_trim(0);
    if (w->dirty) { /* other files are watched from now on: one may have changed in between */
        w->dirty = false;
        pace_event(&w->pace, now_ms());
    }
}

/* --- the loop --- */

/* False: it is time to go. */
static bool handle_signal(struct watcher *w)
{
    struct signalfd_siginfo info;
    if (read(w->signals, &info, sizeof info) != sizeof info)
        return true;
    if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
        return false;
    if (info.ssi_signo == SIGHUP)
        notify_reloading();
    compile_now(w);
    if (info.ssi_signo == SIGHUP)
        notify_ready("reloaded");
    return true;
}

static bool still(const struct watcher *w, const char *name, const struct stat *left)
{
    char path[4096];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/%s", w->home, name);
    return stat(path, &st) == 0 && st.st_dev == left->st_dev && st.st_ino == left->st_ino &&
           st.st_size == left->st_size && st.st_mtim.tv_sec == left->st_mtim.tv_sec &&
           st.st_mtim.tv_nsec == left->st_mtim.tv_nsec;
}

/* Our own replacing of auth.json and of the snapshot comes back as an event; it is no news. Everybody else's makes
 * another inode. */
static bool something_changed(struct watcher *w)
{
    static const char *const derived[] = {"auth.json", "snapshot.json", NULL};
    enum watch_news news = watch_set_drain(w->watches, derived);
    return news == WATCH_CHANGE ||
           (news == WATCH_APART && !(still(w, "auth.json", &w->pool) && still(w, SNAPSHOT_FILE, &w->snapshot)));
}

static int run(struct watcher *w)
{
    compile_now(w);
    for (;;) {
        struct pollfd fds[] = {{.fd = watch_set_fd(w->watches), .events = POLLIN},
                               {.fd = w->signals, .events = POLLIN}};
        int ready = poll(fds, 2, (int)pace_wait(&w->pace, now_ms()));
        if (ready < 0 && errno != EINTR)
            return EXIT_IO;
        if (ready > 0 && fds[1].revents != 0 && !handle_signal(w))
            return EXIT_OK;
        if (ready > 0 && fds[0].revents != 0 && something_changed(w))
            pace_event(&w->pace, now_ms());
        if (pace_wait(&w->pace, now_ms()) == 0)
            compile_now(w);
    }
}

static int open_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static const char *parse_options(struct watcher *w, int argc, char **argv)
{
    static const struct option known[] = {{"home", required_argument, NULL, 'H'},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {"version", no_argument, NULL, 'V'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    const char *home = NULL;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'H':
            home = optarg;
            break;
        case 'q':
            w->quiet = true;
            break;
        case 'V':
            (void)puts("hermes-watch " HERMES_VERSION);
            exit(EXIT_OK);
        case 'h':
            (void)fputs(usage, stdout);
            exit(EXIT_OK);
        default:
            (void)fprintf(stderr, "hermes-watch: unknown option, or an option without its value\n%s", usage);
            exit(EXIT_USAGE);
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "hermes-watch: too many arguments\n%s", usage);
        exit(EXIT_USAGE);
    }
    return home;
}

/* Keys must not end in a core file, and a lease that a writer breaks must not kill. */
static void protect_process(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)signal(SIGIO, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
#ifndef __SANITIZE_ADDRESS__
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

int main(int argc, char **argv)
{
    struct watcher w = {.lock = -1, .pace = {.settle_ms = COMPILE_SETTLE_MS}};
    protect_process();
    struct arena *arena = arena_create();
    w.home = compile_find_home(arena, parse_options(&w, argc, argv));
    w.managed = compile_find_managed();
    w.signals = open_signals();
    if (w.home == NULL || w.signals < 0 || watch_set_open(&w.watches) != 0) {
        (void)fprintf(stderr, "hermes-watch: cannot start: %s\n", w.home == NULL ? "no home" : strerror(errno));
        return w.home == NULL ? EXIT_USAGE : EXIT_IO;
    }
    first_paths(&w);
    w.dirty = false;
    int status = run(&w);
    notify_stopping();
    watch_set_close(w.watches);
    for (size_t i = 0; i < w.path_count; i++)
        free(w.paths[i]);
    hermes_close(w.reader);
    free(w.said);
    free(w.told);
    arena_destroy(arena);
    return status;
}
