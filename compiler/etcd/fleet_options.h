/* The command line of hermes-fleet. */
#ifndef HERMES_FLEET_OPTIONS_H
#define HERMES_FLEET_OPTIONS_H

#include "option_table.h"

enum fleet_mode {
    FLEET_INIT = 1,
    FLEET_PUSH = 2,
    FLEET_STATUS = 4,
    FLEET_HISTORY = 8,
    FLEET_ROLLBACK = 16,
    FLEET_COOLDOWNS = 32,
    FLEET_FOLLOW = 64,
};

struct fleet_options {
    struct option_line line;
    const char *home;
    int format; /* 0: text, 1: json */
};

extern const struct option_table fleet_options_table;

struct fleet_options fleet_options_parse(const char *commit, int argc, char **argv);

#endif
