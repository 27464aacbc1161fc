/* What a person did when libyaml cannot go on: libyaml names the place where it stopped and what it expected there,
 * which for a quote or a bracket that is never closed is the end of the file. Here the cause is looked for. */
#ifndef HERMES_SYNTAX_SLIP_H
#define HERMES_SYNTAX_SLIP_H

#include "diagnostic.h"

struct syntax_error {
    const char *problem;     /* libyaml's words; static */
    const char *context;     /* what it was reading, or NULL; static */
    struct place at;         /* where it stopped */
    struct place began;      /* where the context began; line 0: there is none */
    struct place long_quote; /* the opening quote of the last string that ends in another line; line 0: there is none */
    unsigned long_quote_end; /* that line */
};

/* Adds the one diagnostic that ERROR is worth. */
void syntax_slip_report(const struct syntax_error *error, struct diagnostics *diagnostics);

/* "this file is UTF-16, not UTF-8", ...: the encoding that BYTES look like, NULL when like none that is known. */
const char *syntax_slip_encoding(const char *bytes, size_t len);

#endif
