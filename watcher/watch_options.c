#include "watch_options.h"

#include <stdio.h>
#include <string.h>

#include "find_home.h"
#include "linked_libraries.h"

#define AT(member) .at = offsetof(struct watch_options, member)

/* clang-format off */
static const struct option_row rows[] = {
    {OPTION_MODE, "install", .mode = MODE_INSTALL,
     .help = "Install and enable a systemd user unit that does the same. The commands that are run are shown."},
    {OPTION_MODE, "uninstall", .mode = MODE_UNINSTALL,
     .help = "Stop that unit and remove it."},

    {OPTION_LIST, "home", .argument = "DIR", AT(homes),
     .help = "A Hermes home to watch; may be given more than once. Default: $HERMES_HOME, else ~/.hermes."},
    {OPTION_FLAG, "profiles", .mode = MODE_WATCH | MODE_INSTALL, AT(profiles),
     .help = "Also watch every profile profiles/<id> of the home, now and as they come and go."},
    {OPTION_FLAG, "now", .mode = MODE_INSTALL, AT(now),
     .help = "Start the installed unit at once."},
    {OPTION_FLAG, "quiet", AT(quiet),
     .help = "Print nothing but errors."},
    OPTION_COMMON,
};

static const struct option_exit exits[] = {
    {EXIT_OK, "It was stopped, or --install or --uninstall succeeded."},
    {EXIT_USAGE, "Wrong usage."},
    {EXIT_IO, "It could not start."},
};
/* clang-format on */

static void print_libraries(void)
{
    linked_libraries_print();
    (void)printf(", systemd %s", HERMES_SYSTEMD_VERSION);
}

const struct option_table watch_options_table = {
    .program = "hermes-watch",
    .version = HERMES_VERSION,
    .print_libraries = print_libraries,
    .about =
        "Watches the sources of Hermes homes and does what hermes-compile does at every change, until it is stopped. "
        "SIGHUP and SIGUSR1 compile at once.",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .exits = exits,
    .exit_count = sizeof exits / sizeof *exits,
    .usual_mode = MODE_WATCH,
};

static void add_home(struct arena *arena, struct option_list *homes, const char *option)
{
    const char *home = find_home(arena, option);
    if (home == NULL)
        option_table_wrong(&watch_options_table, "no home: give --home, or set HERMES_HOME or HOME");
    for (size_t i = 0; i < homes->count; i++)
        if (strcmp(homes->items[i], home) == 0)
            return;
    homes->items[homes->count++] = home;
}

struct watch_options watch_options_parse(struct arena *arena, const char *commit, int argc, char **argv)
{
    struct watch_options options = {.line.commit = commit,
                                    .homes.items = arena_alloc(arena, (size_t)argc * sizeof(const char *))};
    option_table_parse(&watch_options_table, argc, argv, &options.line);
    const struct option_list given = options.homes;
    options.homes.count = 0;
    for (size_t i = 0; i < given.count; i++)
        add_home(arena, &options.homes, given.items[i]);
    if (options.homes.count == 0)
        add_home(arena, &options.homes, NULL);
    return options;
}
