/* The schemas as files: for editors, validators and people. */
#ifndef HERMES_PRINT_SCHEMA_H
#define HERMES_PRINT_SCHEMA_H

#include <stdbool.h>
#include <stdio.h>

/* WHICH: "config" (JSON Schema draft 7, the newest that yaml-language-server takes), "snapshot" (likewise), or
 * "reference" (a page in Markdown). False when there is no such schema. */
bool print_schema(const char *which, FILE *stream);

#endif
