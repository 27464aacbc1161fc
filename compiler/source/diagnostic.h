/* What is to be said about a source: collected while a compile runs, sorted by place, printed once by main.
 *
 *     struct diagnostic *d = diagnostic_add(list, CODE_UNSET_VARIABLE, place, "%s is not set", name);
 *     diagnostic_help(d, "add %s to .env", name);
 *
 * A message names an origin, never a value that may be a key. Everything lives in the list's arena. */
#ifndef HERMES_DIAGNOSTIC_H
#define HERMES_DIAGNOSTIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "diagnostic_code.h"
struct arena;
struct source;

/* Where: a source (NULL: nowhere in particular), a line and column counted from 1 in characters (0: the whole file),
 * and how many characters of that line are meant (0: one). */
struct place {
    const struct source *source;
    uint32_t line;
    uint32_t column;
    uint32_t length;
} __attribute__((packed, aligned(4))); /* a tree has one in each node */

struct diagnostic {
    enum severity severity;
    enum diagnostic_code code;
    struct place place;
    const char *message;
    const char *note; /* NULL or further facts; of the place `also` where that has a source */
    const char *help; /* NULL or what to do */
    /* NULL, or what this leaves without a value: a variable, or model.api_key. Of CODE_NO_KEY: what has none. */
    const char *variable;
    struct place also;
};

struct diagnostics {
    struct arena *arena;
    struct diagnostic **items;
    size_t count;
    size_t capacity;
    size_t errors; /* of all kinds, those that are not kept included */
    size_t warnings;
    struct diagnostic_kind *kinds;
    size_t kind_count;
    size_t kind_capacity;
    size_t most; /* of one code in one source that are kept, 0: DIAGNOSTICS_OF_A_KIND; the last says how many more there
                    are */
    size_t hidden; /* that diagnostics_cut took out */
    size_t hidden_errors;
    unsigned char rules[DIAGNOSTIC_CODES]; /* enum diagnostic_rule, put into force by diagnostics_sort */
};

enum { DIAGNOSTICS_OF_A_KIND = 10 };
/* What the user wants of a code whose diagnostics are no errors: nothing said, or an error. */
enum diagnostic_rule { RULE_USUAL, RULE_ALLOW, RULE_DENY };

/* NULL when enough of its kind are kept already: then whatever else could be said of it need not be worked out. A note
 * or help for NULL is dropped. */
struct diagnostic *diagnostic_add(struct diagnostics *list, enum diagnostic_code code, struct place place,
                                  const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Where the code's own severity does not fit. */
struct diagnostic *diagnostic_add_as(struct diagnostics *list, enum severity severity, enum diagnostic_code code,
                                     struct place place, const char *format, ...) __attribute__((format(printf, 5, 6)));
void diagnostic_note(struct diagnostics *list, struct diagnostic *diagnostic, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void diagnostic_help(struct diagnostics *list, struct diagnostic *diagnostic, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The note NOTE, a string that lives on, about a second place. */
void diagnostic_also(struct diagnostic *diagnostic, struct place place, const char *note);

/* All that FROM, a list of the same arena, has. */
void diagnostics_append(struct diagnostics *list, const struct diagnostics *from);
/* Adds one that was made for another list, without counting it. */
void diagnostics_keep(struct diagnostics *list, struct diagnostic *diagnostic);

/* Puts the rules into force, and sorts by source (in the order the sources were read), line, column, severity; stable.
 * Where an error stands, warnings and hints are dropped; where a warning stands, hints are; and what only follows from
 * another one is told in its note. */
void diagnostics_sort(struct diagnostics *list);
/* Keeps the first MOST of a sorted list, and errors rather than others. The counts of errors and warnings stay. */
void diagnostics_cut(struct diagnostics *list, size_t most);

/* As a compiler prints it: place, severity, code, message, the source line with a caret, note, help. In the source
 * line everything that could be a key is masked. */
void diagnostic_print(const struct diagnostic *diagnostic, bool colour, FILE *stream);
/* "config.yaml:4:12", "config.yaml", or "" where there is no place. */
const char *diagnostic_place_text(struct arena *arena, struct place place);
bool diagnostic_same_place(const struct place *a, const struct place *b);
/* TEXT without control characters, in place: no name that a file brings in is to steer somebody's terminal. */
const char *diagnostic_plain_text(char *text);
const char *diagnostic_severity_name(enum severity severity);

#endif
