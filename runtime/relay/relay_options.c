#include "relay_options.h"

#include "listen.h"
#include "relay_libraries.h"

#define AT(member) .at = offsetof(struct relay_options, member)

/* clang-format off */
static const struct option_row rows[] = {
    {OPTION_MODE, "simulate", .mode = MODE_SIMULATE, .argument = "ANSWERS",
     .help = "Show which key would be used if keys had been answered like this. ANSWERS are KEY=STATUS[:SECONDS], "
             "separated by spaces: KEY is a fingerprint, at least 4 hex digits of its beginning, or where the key "
             "comes from, as hermes-compile --status shows it; STATUS is an HTTP status; SECONDS is its Retry-After. "
             "Nothing is sent or recorded."},
    {OPTION_MODE, "print-env", .mode = MODE_PRINT_ENV,
     .help = "Print the shell commands that point a client, or Hermes itself, at the relay."},

    {OPTION_TEXT, "home", .argument = "DIR", AT(home),
     .help = "The Hermes home. Default: $HERMES_HOME, else ~/.hermes."},
    {OPTION_TEXT, "listen", .mode = MODE_SERVE | MODE_PRINT_ENV, .argument = "WHERE", AT(listen),
     .help = "The listening address, as ADDRESS:PORT or unix:/PATH. Default: " LISTEN_DEFAULT ", or the socket that "
             "systemd passes."},
    {OPTION_FLAG, "allow-remote", .mode = MODE_SERVE, AT(allow_remote),
     .help = "Allow a listening address that other machines can reach, and any name of this one in the Host header."},
    {OPTION_LIST, "allow-host", .mode = MODE_SERVE, .argument = "NAME", AT(hosts),
     .help = "Accept requests whose Host header has NAME, such as host.docker.internal. May be repeated."},
    {OPTION_LIST, "allow-origin", .mode = MODE_SERVE, .argument = "ORIGIN", AT(origins),
     .help = "Accept requests of a browser or app with this Origin header, such as app://obsidian.md, if they have the "
             "token. May be repeated."},
    {OPTION_NUMBER, "drain", .mode = MODE_SERVE, .argument = "SECONDS", .most = 86400, AT(drain_s),
     .help = "How long running answers may take to end after SIGTERM. Default: 600."},
    {OPTION_NUMBER, "threads", .mode = MODE_SERVE, .argument = "N", .most = WORKERS_MAX, AT(threads),
     .help = "The number of event loops, 1 to 16. Default: one per processor, at most 4."},
    OPTION_COMMON,
};

static const struct option_exit exits[] = {
    {EXIT_OK, "It was stopped, or did what was asked."},
    {EXIT_INVALID, "No key would be used (--simulate)."},
    {EXIT_USAGE, "Wrong usage."},
    {EXIT_IO, "Input or output failed."},
};
/* clang-format on */

const struct option_table relay_options_table = {
    .program = "hermes-relay",
    .version = HERMES_VERSION,
    .print_libraries = relay_libraries_print,
    .about =
        "An HTTP gateway for OpenAI- and Anthropic-style clients that reads nothing but the snapshot of a Hermes home. "
        "Clients send the token in compiled/relay.token as their API key.",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .exits = exits,
    .exit_count = sizeof exits / sizeof *exits,
    .usual_mode = MODE_SERVE,
};
