/* --explain: where a value comes from, and what it shadows. Prints to STREAM; never a key. */
#ifndef HERMES_EXPLAIN_H
#define HERMES_EXPLAIN_H

#include <stdbool.h>
#include <stdio.h>

#include "compile.h"
#include "must_check.h"

/* SUBJECT is a provider (id, alias or name), a variable, or a dotted path of the configuration. False when there is no
 * such thing. REVEAL shows secrets as they are: only for a terminal. */
bool explain(const struct compilation *compilation, const char *subject, bool reveal, FILE *stream) MUST_CHECK;
/* The same as JSON members of an object that is open; never with a key. */
bool explain_json(struct text *out, const struct compilation *compilation, const char *subject) MUST_CHECK;
/* The provider or variable that SUBJECT may have meant, or NULL. */
const char *explain_near(const struct compilation *compilation, const char *subject);

#endif
