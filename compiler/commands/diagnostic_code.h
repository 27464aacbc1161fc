/* What each diagnostic code means: one text for --explain-code, for SARIF's rules and for the reference page. */
#ifndef HERMES_DIAGNOSTIC_CODE_H
#define HERMES_DIAGNOSTIC_CODE_H

struct diagnostic_code {
    const char *code;
    const char *title; /* one line, without a full stop */
    const char *page;  /* what Hermes does, and what to do */
};

/* Sorted by code; the last one's code is NULL. */
extern const struct diagnostic_code diagnostic_codes[];

/* NULL when there is no such code. */
const struct diagnostic_code *diagnostic_code_find(const char *code);

#endif
