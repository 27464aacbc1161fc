/* --status: what is in force in a home, read as any reader reads it. */
#ifndef HERMES_STATUS_H
#define HERMES_STATUS_H

#include <stdio.h>

#include "compile.h"
#include "must_check.h"

/* Prints to STREAM; COMPILATION is a compile of the same home that wrote nothing. 0, or a negative hermes_error. */
int status_print(const struct compilation *compilation, const char *home, FILE *stream) MUST_CHECK;
/* The same as JSON members of an object that is open. */
int status_put_json(struct text *out, const struct compilation *compilation, const char *home) MUST_CHECK;

#endif
