/* The variables that Hermes knows by name, and which of them are secrets. */
#ifndef HERMES_KNOWN_VARIABLES_H
#define HERMES_KNOWN_VARIABLES_H

#include <stdbool.h>
#include <stddef.h>

enum { VARIABLE_LONGEST = 64 }; /* no name in the table is longer */

bool known_variables_has(const char *name, size_t len);
bool known_variables_secret(const char *name, size_t len);
/* The names in order; NULL behind the last. */
const char *known_variables_name(size_t index);

#endif
