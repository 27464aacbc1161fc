/* The command line of hermes-compile. */
#ifndef HERMES_OPTIONS_H
#define HERMES_OPTIONS_H

#include <stdbool.h>

#include "report.h"

/* Exit status, as the README's table has it. */
enum { EXIT_OK = 0, EXIT_INVALID = 1, EXIT_USAGE = 2, EXIT_DIFFERS = 3, EXIT_IO = 4 };

enum mode {
    MODE_COMPILE,
    MODE_CHECK,
    MODE_DIFF,
    MODE_EXPLAIN,
    MODE_STATUS,
    MODE_RESET,
    MODE_WITHDRAW,
    MODE_PROBE,
    MODE_EXPLAIN_CODE,
    MODE_PRINT_SCHEMA
};

struct options {
    enum mode mode;
    const char *home;    /* --home, or NULL */
    const char *subject; /* of --explain, --reset, --explain-code and --print-schema */
    char **
        files; /* behind --check (`-` is standard input), the fingerprint behind --reset, the provider behind --probe */
    int file_count;
    enum report_format format;
    const char *colour;
    bool live; /* with --check: look at everything that is running, too */
    bool strict;
    bool quiet;
    bool reveal;
};

/* Ends the program with EXIT_USAGE when the line is wrong, with EXIT_OK after --help and --version. */
struct options options_parse(int argc, char **argv);
/* Says MESSAGE and where to read on, and ends the program with EXIT_USAGE. */
_Noreturn void options_wrong(const char *message);

#endif
