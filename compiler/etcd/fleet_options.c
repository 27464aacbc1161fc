#include "fleet_options.h"

#include "curl_library.h"
#include "linked_libraries.h"

#define AT(member) .at = offsetof(struct fleet_options, member)

/* clang-format off */
static const struct option_row rows[] = {
    {OPTION_MODE, "init", .mode = FLEET_INIT, .operands = "[NAME]",
     .help = "Make the key file of a new fleet, and print how homes join it. Default: prod."},
    {OPTION_MODE, "push", .mode = FLEET_PUSH, .operands = "[FILE]",
     .help = "Make FILE, an env file, or standard input, the new revision for every machine. It is checked first, and "
             "what changes is shown by fingerprint. Nothing is pushed when another push came first."},
    {OPTION_MODE, "status", .mode = FLEET_STATUS,
     .help = "Show every machine with the revision that is active there."},
    {OPTION_MODE, "history", .mode = FLEET_HISTORY,
     .help = "Show the last 64 revisions."},
    {OPTION_MODE, "rollback", .mode = FLEET_ROLLBACK, .operands = "[REVISION]",
     .help = "Push an earlier revision again, as a new one. It also makes machines accept an etcd that was restored "
             "from a backup."},
    {OPTION_MODE, "cooldowns", .mode = FLEET_COOLDOWNS,
     .help = "Show which keys are exhausted, and which machine reported them."},
    {OPTION_MODE, "follow", .mode = FLEET_FOLLOW,
     .help = "Follow the fleet until standard input ends. hermes-watch runs this."},

    {OPTION_TEXT, "home", .argument = "DIR", AT(home),
     .help = "The Hermes home. Default: $HERMES_HOME, else ~/.hermes."},
    {OPTION_CHOICE, "format", .mode = FLEET_PUSH | FLEET_STATUS | FLEET_HISTORY | FLEET_ROLLBACK | FLEET_COOLDOWNS,
     .argument = "text|json", AT(format), .help = "The format of the output."},
    OPTION_COMMON,
};

static const struct option_exit exits[] = {
    {EXIT_OK, "Success."},
    {EXIT_INVALID, "The configuration or the env file is invalid, or etcd refuses the user or the certificate."},
    {EXIT_USAGE, "Wrong usage, or a revision that does not exist."},
    {EXIT_DIFFERS, "status found a machine that is behind, or another push came first."},
    {EXIT_IO, "etcd cannot be reached, or input or output failed."},
};
/* clang-format on */

static void print_libraries(void)
{
    linked_libraries_print();
    (void)fputs(", ", stdout);
    curl_library_print();
}

const struct option_table fleet_options_table = {
    .program = "hermes-fleet",
    .version = HERMES_VERSION,
    .print_libraries = print_libraries,
    .about = "Shares one env file between the homes of many machines through etcd, and shows which of them have it. "
             "Homes join with hermes_watch.fleet in their config.yaml.",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .exits = exits,
    .exit_count = sizeof exits / sizeof *exits,
    .commands = true,
};

struct fleet_options fleet_options_parse(const char *commit, int argc, char **argv)
{
    struct fleet_options options = {.line.commit = commit};
    option_table_parse(&fleet_options_table, argc, argv, &options.line);
    if (options.line.mode == 0)
        option_table_wrong(&fleet_options_table, "a command is missing");
    if (options.line.mode == FLEET_ROLLBACK && options.line.operand_count == 0)
        option_table_wrong(&fleet_options_table, "rollback needs a revision number from hermes-fleet history");
    return options;
}
