/* The command line of hermes-compile. */
#ifndef HERMES_COMPILE_OPTIONS_H
#define HERMES_COMPILE_OPTIONS_H

#include "arena.h"
#include "diagnostic_code.h"
#include "option_table.h"

enum {
    MODE_COMPILE = 1 << 0,
    MODE_CHECK = 1 << 1,
    MODE_DIFF = 1 << 2,
    MODE_EXPLAIN = 1 << 3,
    MODE_STATUS = 1 << 4,
    MODE_RESET = 1 << 5,
    MODE_WITHDRAW = 1 << 6,
    MODE_PROBE = 1 << 7,
    MODE_EXPLAIN_CODE = 1 << 8,
    MODE_PRINT_SCHEMA = 1 << 9,
};

enum { FORMAT_TEXT, FORMAT_JSON, FORMAT_SARIF, FORMAT_GITHUB }; /* as --format lists them */
enum { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct compile_options {
    struct option_line line;
    const char *home; /* --home, or NULL */
    int format;
    int color;
    bool live;
    bool strict;
    bool quiet;
    bool reveal;
    bool all;
    struct option_list allowed;
    struct option_list denied;
    unsigned char rules[DIAGNOSTIC_CODES]; /* of both */
};

extern const struct option_table compile_options_table;

struct compile_options compile_options_parse(struct arena *arena, const char *commit, int argc, char **argv);
/* Ends the program: there is no diagnostic code NAME. */
_Noreturn void compile_options_wrong_code(const char *name);

#endif
