/* --explain of what is known, and that no file of the home sets. */
#ifndef HERMES_EXPLAIN_UNSET_H
#define HERMES_EXPLAIN_UNSET_H

#include <stdbool.h>
#include <stdio.h>

#include "compile.h"
#include "must_check.h"

/* SUBJECT is a variable that Hermes or `key_env` names, a setting that the schema has, or a provider of the table.
 * False when it is none of them. */
bool explain_unset(const struct compilation *compilation, const char *subject, FILE *stream) MUST_CHECK;
/* The same as JSON members of an object that is open. */
bool explain_unset_json(struct text *out, const struct compilation *compilation, const char *subject) MUST_CHECK;

#endif
