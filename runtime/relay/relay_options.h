/* The command line of hermes-relay. */
#ifndef HERMES_RELAY_OPTIONS_H
#define HERMES_RELAY_OPTIONS_H

#include "option_table.h"

enum { MODE_SERVE = 1 << 0, MODE_SIMULATE = 1 << 1, MODE_PRINT_ENV = 1 << 2, WORKERS_MAX = 16 };

struct relay_options {
    struct option_line line;
    const char *home;
    const char *listen;
    bool allow_remote;
    struct option_list hosts;
    struct option_list origins;
    int drain_s; /* 0: as long as is usual */
    int threads; /* 0: as many as are usual */
};

extern const struct option_table relay_options_table;

#endif
