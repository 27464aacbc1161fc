/* The snapshot in force, which the one that is being made will take the place of. */
#ifndef HERMES_PREVIOUS_H
#define HERMES_PREVIOUS_H

#include "hermes_runtime.h"
#include "must_check.h"
#include "sources.h"

/* Reads it through *READER, a caller's who compiles again and again has it in memory already. *RET is NULL when there
 * is none, or none that can be read; REPLACED: that is warned about. False, with a diagnostic, when the machine kept it
 * from being read: the snapshot itself may be as good as ever. */
bool previous_open(const char *home, struct hermes **reader, bool replaced, const struct hermes_view **ret,
                   struct diagnostics *diagnostics) MUST_CHECK;

/* Its number; 0 when there is none, or none that can be used. */
long long previous_in_force(const char *home);
/* Its number, also where it cannot be used: the next one must not fall behind it. 0: none. */
long long previous_generation(const char *home);

/* Whether SOURCE had something in it when the snapshot was made, and something else than now. */
bool previous_had_content(const char *home, struct hermes **reader, const struct source *source) MUST_CHECK;

#endif
