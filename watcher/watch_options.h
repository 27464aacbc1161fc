/* The command line of hermes-watch. */
#ifndef HERMES_WATCH_OPTIONS_H
#define HERMES_WATCH_OPTIONS_H

#include "arena.h"
#include "option_table.h"

enum { MODE_WATCH = 1 << 0, MODE_INSTALL = 1 << 1, MODE_UNINSTALL = 1 << 2 };

struct watch_options {
    struct option_line line;
    struct option_list homes; /* absolute, each one once; at least one */
    bool profiles;
    bool quiet;
    bool now;
};

extern const struct option_table watch_options_table;

struct watch_options watch_options_parse(struct arena *arena, const char *commit, int argc, char **argv);

#endif
