/* hermes-watch: compiles Hermes homes at every change of their sources. */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "find_home.h"
#include "install.h"
#include "profiles.h"
#include "protect_process.h"
#include "watcher.h"
#include "wrong_option.h"

enum { EXIT_OK = 0, EXIT_USAGE = 2, EXIT_IO = 4 };

static const char usage[] = "usage: hermes-watch [--home DIR]... [--profiles] [--quiet] [--version] [--help]\n"
                            "       hermes-watch --install [--now] [--home DIR]... [--profiles] | --uninstall\n"
                            "\n"
                            "Compiles each Hermes home (else $HERMES_HOME, else ~/.hermes) at every change of its\n"
                            "config.yaml and env files, until it is stopped; with --profiles also every profile\n"
                            "<home>/profiles/<id>, now and as they come and go. SIGHUP and SIGUSR1 compile at once.\n"
                            "\n"
                            "--install writes and enables a systemd unit that does so for you, --now starts it,\n"
                            "--uninstall takes it away. The commands that are run are shown.\n";

struct options {
    const char **homes;
    size_t home_count;
    bool profiles;
    bool quiet;
    bool install;
    bool uninstall;
    bool now;
};

static void wrong_usage(const char *what)
{
    (void)fprintf(stderr, "hermes-watch: %s; see --help\n", what);
    exit(EXIT_USAGE);
}

static void add_home(struct arena *arena, struct options *options, const char *option)
{
    const char *home = find_home(arena, option);
    if (home == NULL)
        wrong_usage("no home: give --home, or set HERMES_HOME or HOME");
    for (size_t i = 0; i < options->home_count; i++)
        if (strcmp(options->homes[i], home) == 0)
            return;
    options->homes[options->home_count++] = home;
}

static struct options parse_options(struct arena *arena, int argc, char **argv)
{
    static const struct option known[] = {{"home", required_argument, NULL, 'H'},
                                          {"profiles", no_argument, NULL, 'p'},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {"version", no_argument, NULL, 'V'},
                                          {"install", no_argument, NULL, 'i'},
                                          {"uninstall", no_argument, NULL, 'u'},
                                          {"now", no_argument, NULL, 'n'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    struct options options = {.homes = arena_alloc(arena, (size_t)argc * sizeof *options.homes)};
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'H':
            add_home(arena, &options, optarg);
            break;
        case 'p':
            options.profiles = true;
            break;
        case 'q':
            options.quiet = true;
            break;
        case 'i':
            options.install = true;
            break;
        case 'u':
            options.uninstall = true;
            break;
        case 'n':
            options.now = true;
            break;
        case 'V':
            (void)puts("hermes-watch " HERMES_VERSION);
            exit(EXIT_OK);
        case 'h':
            (void)fputs(usage, stdout);
            exit(EXIT_OK);
        default:
            wrong_usage(wrong_option(argv));
        }
    }
    if (optind < argc)
        wrong_usage("too many arguments");
    if (options.install && options.uninstall)
        wrong_usage("--install or --uninstall, not both");
    if (options.now && !options.install)
        wrong_usage("--now goes with --install");
    if (options.home_count == 0)
        add_home(arena, &options, NULL);
    return options;
}

static bool open_home(struct watcher *w, const struct options *options, const char *home, struct profiles **ret)
{
    pid_t holder;
    bool alone = options->home_count == 1;
    struct home_watch *h = watcher_add(w, home, alone && !options->profiles ? NULL : home);
    if (h != NULL && home_watch_lock(h, &holder) < 0) {
        char text[HOME_LOCK_REFUSAL];
        home_lock_refusal(text, home, holder);
        (void)fprintf(stderr, "hermes-watch: %s\n", text);
        return false;
    }
    *ret = h == NULL || !options->profiles ? NULL : profiles_create(w, home, !alone);
    if (h == NULL || (options->profiles && *ret == NULL)) {
        (void)fputs("hermes-watch: out of memory\n", stderr);
        return false;
    }
    return true;
}

static int change_installation(struct arena *arena, const struct options *options)
{
    const char *managed = compile_find_managed();
    watcher_hold_signals(SIG_UNBLOCK);
    const struct install what = {.homes = options->homes,
                                 .home_count = options->home_count,
                                 .managed = strcmp(managed, "/etc/hermes") == 0 ? NULL : managed,
                                 .profiles = options->profiles,
                                 .quiet = options->quiet,
                                 .now = options->now};
    bool done = options->install ? install_unit(arena, &what) : install_undo(arena);
    arena_destroy(arena);
    return done ? EXIT_OK : EXIT_IO;
}

int main(int argc, char **argv)
{
    struct watcher w;
    watcher_hold_signals(SIG_BLOCK);
    protect_process();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)mallopt(M_ARENA_MAX, 1); /* threads are few and short */
    struct arena *arena = arena_create();
    const struct options options = parse_options(arena, argc, argv);
    if (options.install || options.uninstall)
        return change_installation(arena, &options);
    int error = watcher_open(&w, compile_find_managed(), options.quiet);
    if (error != 0) {
        (void)fprintf(stderr, "hermes-watch: cannot start: %s\n", strerror(-error));
        return EXIT_IO;
    }
    struct profiles **profiles = arena_alloc(arena, options.home_count * sizeof *profiles);
    bool opened = true;
    for (size_t i = 0; i < options.home_count && opened; i++)
        opened = open_home(&w, &options, options.homes[i], &profiles[i]);
    int status = opened && watcher_run(&w) == 0 ? EXIT_OK : EXIT_IO;
    for (size_t i = 0; i < options.home_count; i++)
        profiles_destroy(profiles[i]);
    watcher_close(&w);
    arena_destroy(arena);
    return status;
}
