/* Whether a home is there and ours: what is published into another user's, its owner cannot write. */
#ifndef HERMES_HOME_CHECK_H
#define HERMES_HOME_CHECK_H

#include <stdbool.h>

#include "must_check.h"

struct arena;
struct diagnostics;

/* False after a diagnostic. */
bool home_check(const char *home, struct diagnostics *diagnostics) MUST_CHECK;
/* The command that makes PATH ours again, or NULL when it is no other user's. */
const char *home_check_take_back(struct arena *arena, const char *path);

#endif
