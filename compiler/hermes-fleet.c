/* hermes-fleet: one env file for the homes of many machines, by etcd. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "find_home.h"
#include "fleet_cooldowns.h"
#include "fleet_history.h"
#include "fleet_init.h"
#include "fleet_options.h"
#include "fleet_push.h"
#include "fleet_status.h"
#include "follow.h"
#include "protect_process.h"
#include "safe_read.h"
#include "text.h"

#include "commit.h"

enum { READ_WAIT_MS = 2000 };

static bool read_standard_input(struct text *ret)
{
    char buffer[4096];
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, stdin)) > 0;) {
        text_append(ret, buffer, got);
        if (ret->len > FLEET_ENV_MOST)
            break;
    }
    explicit_bzero(buffer, sizeof buffer);
    return !ferror(stdin);
}

/* False after a message. */
static bool read_env(struct arena *arena, const char *path, struct text *ret)
{
    *ret = (struct text){.arena = arena};
    text_append(ret, "", 0);
    if (strcmp(path, "-") == 0) {
        if (isatty(STDIN_FILENO))
            option_table_wrong(&fleet_options_table, "push needs a FILE, or an env file on standard input");
        return read_standard_input(ret);
    }
    const char *absolute = *path == '/' ? path : arena_printf(arena, "%s/%s", find_home_working_directory(arena), path);
    struct safe_read read = safe_read_edited(arena, absolute, READ_WAIT_MS);
    if (read.status == SAFE_READ_OK) {
        text_append(ret, read.bytes, read.len);
        return true;
    }
    (void)fprintf(stderr, "hermes-fleet: %s %s\n", path,
                  read.status == SAFE_READ_ABSENT ? "does not exist"
                  : read.status == SAFE_READ_BUSY ? "is being written by another process"
                                                  : "is not a readable file of yours");
    return false;
}

static int push(struct fleet *fleet, const char *path, bool json)
{
    struct text env;
    if (!read_env(fleet->arena, path, &env))
        return EXIT_IO;
    return fleet_push(fleet, strcmp(path, "-") == 0 ? "<standard input>" : path, env.bytes, env.len, 0, json);
}

static int run(const struct fleet_options *options, struct fleet *fleet)
{
    const char *operand = options->line.operand_count > 0 ? options->line.operands[0] : NULL;
    const bool json = options->format == 1;
    switch (options->line.mode) {
    case FLEET_PUSH:
        return push(fleet, operand == NULL ? "-" : operand, json);
    case FLEET_STATUS:
        return fleet_status(fleet, json);
    case FLEET_HISTORY:
        return fleet_history(fleet, json);
    case FLEET_ROLLBACK:
        return fleet_history_rollback(fleet, operand, json);
    case FLEET_COOLDOWNS:
        return fleet_cooldowns(fleet, json);
    default:
        return follow(fleet);
    }
}

static int run_in_home(const struct fleet_options *options, struct arena *arena)
{
    struct fleet fleet;
    const char *home = find_home(arena, options->home);
    if (home == NULL)
        option_table_wrong(&fleet_options_table, "no home: give --home, or set HERMES_HOME or HOME");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return EXIT_IO;
    int status = fleet_open(&fleet, arena, home, compile_find_managed());
    if (status == EXIT_OK)
        status = run(options, &fleet);
    fleet_close(&fleet);
    curl_global_cleanup();
    return status;
}

int main(int argc, char **argv)
{
    protect_process();
    (void)signal(SIGPIPE, SIG_IGN);
    struct fleet_options options = fleet_options_parse(HERMES_COMMIT, argc, argv);
    struct arena *arena = arena_create();
    int status = options.line.mode == FLEET_INIT
                     ? fleet_init(arena, options.line.operand_count > 0 ? options.line.operands[0] : NULL)
                     : run_in_home(&options, arena);
    if (fflush(stdout) != 0 || ferror(stdout) || ferror(stderr))
        status = EXIT_IO;
    arena_destroy(arena);
    return status;
}
