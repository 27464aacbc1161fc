/* hermes-watch: compiles Hermes homes at every change of their sources. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "install.h"
#include "profiles.h"
#include "protect_process.h"
#include "watch_options.h"
#include "watcher.h"

#include "commit.h"

static bool open_home(struct watcher *w, const struct watch_options *options, const char *home, struct profiles **ret)
{
    bool alone = options->homes.count == 1;
    struct home_watch *h = watcher_add(w, home, alone && !options->profiles ? NULL : home);
    *ret = h == NULL || !options->profiles ? NULL : profiles_create(w, home, !alone);
    if (h == NULL || (options->profiles && *ret == NULL)) {
        (void)fputs("hermes-watch: out of memory\n", stderr);
        return false;
    }
    return true;
}

static int change_installation(struct arena *arena, const struct watch_options *options)
{
    const char *managed = compile_find_managed();
    watcher_hold_signals(SIG_UNBLOCK);
    const struct install what = {.homes = options->homes.items,
                                 .home_count = options->homes.count,
                                 .managed = strcmp(managed, "/etc/hermes") == 0 ? NULL : managed,
                                 .profiles = options->profiles,
                                 .quiet = options->quiet,
                                 .now = options->now};
    bool done = options->line.mode == MODE_INSTALL ? install_unit(arena, &what) : install_undo(arena);
    arena_destroy(arena);
    return done ? EXIT_OK : EXIT_IO;
}

/* Each home has its lock open: a thousand of them are more than the usual limit. */
static void raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    struct watcher w;
    watcher_hold_signals(SIG_BLOCK);
    protect_process();
    raise_limit();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)mallopt(M_ARENA_MAX, 1); /* threads are few and short */
    struct arena *arena = arena_create();
    const struct watch_options options = watch_options_parse(arena, HERMES_COMMIT, argc, argv);
    if (options.line.mode != MODE_WATCH)
        return change_installation(arena, &options);
    int error = watcher_open(&w, compile_find_managed(), options.quiet);
    if (error != 0) {
        (void)fprintf(stderr, "hermes-watch: cannot start: %s\n", strerror(-error));
        return EXIT_IO;
    }
    struct profiles **profiles = arena_alloc(arena, options.homes.count * sizeof *profiles);
    bool opened = true;
    for (size_t i = 0; i < options.homes.count && opened; i++)
        opened = open_home(&w, &options, options.homes.items[i], &profiles[i]);
    int status = opened && watcher_run(&w) == 0 ? EXIT_OK : EXIT_IO;
    for (size_t i = 0; i < options.homes.count; i++)
        profiles_destroy(profiles[i]);
    watcher_close(&w);
    arena_destroy(arena);
    return status;
}
