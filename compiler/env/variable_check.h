/* Looks at the variables of the env files for names that were misspelt. */
#ifndef HERMES_VARIABLE_CHECK_H
#define HERMES_VARIABLE_CHECK_H

#include "environment.h"

/* A hint for each variable that nobody knows and that is a slip away from one that Hermes takes a key from. Pure. */
void variable_check(const struct environment *environment, struct diagnostics *diagnostics);

/* The variable of ENVIRONMENT that NAME may have meant, or NULL. */
const char *variable_check_near(const struct environment *environment, const char *name);

/* One that ENVIRONMENT sets and whose name differs from NAME only in its end: OPENAI_KEY for OPENAI_API_KEY. */
const char *variable_check_sister(const struct environment *environment, const char *name);

#endif
