/* Lower case as Python's str.lower() has it, of any script, whatever the process's locale is. */
#ifndef HERMES_LOWER_CASE_H
#define HERMES_LOWER_CASE_H

#include <stddef.h>

/* LEN bytes of TEXT in UTF-8; what is not UTF-8 stays as it is. Writes at most SIZE bytes, NUL-terminated; returns the
 * length it needs, which may be another one than LEN. */
size_t lower_case(const char *text, size_t len, char *result, size_t size);

#endif
