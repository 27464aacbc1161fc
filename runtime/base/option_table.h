/* A program's command line as a table. From it come its parsing, --help, the options in its man page and its
 * completions (runtime/print_options.c writes the last two while the project is built).
 *
 *     static const struct option_row rows[] = {
 *         {OPTION_MODE, "check", .mode = MODE_CHECK, .operands = "[FILE...]", .help = "Check without writing."},
 *         {OPTION_TEXT, "home", .argument = "DIR", .at = offsetof(struct options, home), .help = "..."},
 *         {OPTION_FLAG, "live", .mode = MODE_CHECK, .at = offsetof(struct options, live), .help = "..."},
 *         OPTION_COMMON,
 *     };
 *     struct options { struct option_line line; const char *home; bool live; } options = {
 *         .line.commit = HERMES_COMMIT};
 *     option_table_parse(&(struct option_table){...}, argc, argv, &options);
 *
 * At most one mode is given; without one it is the table's `usual_mode`. In a table of `commands` a mode is a word
 * without dashes, the first one in the line that is no option. */
#ifndef HERMES_OPTION_TABLE_H
#define HERMES_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "exit_status.h"

enum option_kind {
    OPTION_MODE,   /* what the program does; its argument becomes the line's `subject` */
    OPTION_FLAG,   /* a bool */
    OPTION_TEXT,   /* a const char *; not empty */
    OPTION_CHOICE, /* an int: which of the words of `argument`, from 0 */
    OPTION_NUMBER, /* an int from 1 to `most` */
    OPTION_LIST,   /* a struct option_list; may be given again */
    OPTION_HELP,
    OPTION_VERSION,
};

struct option_row {
    enum option_kind kind;
    const char *name; /* "check" for --check */
    char letter;      /* 'h' for -h; 0: it has none */
    unsigned mode;    /* of a mode: its bit; else the bits of the modes that it goes with, 0: of all */
    /* A name in capitals ("DIR", "FILE", "CODE", "PROVIDER" are completed), or words parted by "|", or both; NULL:
     * none. */
    const char *argument;
    const char *operands; /* of a mode: "[FILE...]" or "[NAME]"; NULL: none */
    size_t at;            /* offsetof() the value in the program's struct */
    int most;
    const char *help; /* sentences; the first one alone stands in completions */
};

struct option_list {
    const char **items; /* the caller's, with room for argc of them */
    size_t count;
};

/* What every table ends with. */
#define OPTION_COMMON                                                                                                  \
    {OPTION_VERSION, "version", .letter = 'V', .help = "Print the versions of the program and its libraries."},        \
    {                                                                                                                  \
        OPTION_HELP, "help", .letter = 'h', .help = "Print a summary of the options."                                  \
    }

struct option_exit {
    enum exit_status status;
    const char *meaning;
};

struct option_table {
    const char *program;
    const char *version;
    void (*print_libraries)(void); /* "libyaml 0.2.5, ...", without the last line feed */
    const char *about;             /* what it does without a mode; sentences */
    const struct option_row *rows;
    size_t row_count;
    const struct option_exit *exits;
    size_t exit_count;
    unsigned usual_mode;
    bool commands;
};

/* The first member of the struct that a program's values go to. */
struct option_line {
    const char *commit; /* set before parsing: what --version says the program was built from */
    unsigned mode;
    const char *subject; /* the mode's argument, or NULL */
    char **operands;
    int operand_count;
};

/* Fills LINE and what follows it. Ends the program with EXIT_USAGE and a message where the line is wrong, with EXIT_OK
 * after --help and --version. A word that could be a key is not repeated. */
void option_table_parse(const struct option_table *table, int argc, char **argv, struct option_line *line);
/* Prints MESSAGE and where to read on, and ends the program with EXIT_USAGE. */
_Noreturn void option_table_wrong(const struct option_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same for what ends in what was probably meant. */
_Noreturn void option_table_did_you_mean(const struct option_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
