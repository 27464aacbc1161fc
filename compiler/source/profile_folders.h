/* The profiles of a home. */
#ifndef HERMES_PROFILE_FOLDERS_H
#define HERMES_PROFILE_FOLDERS_H

#include <stdbool.h>

#include "must_check.h"

struct arena;

/* The folder `profiles` of HOME has something in it. */
bool profile_folders_any(struct arena *arena, const char *home) MUST_CHECK;

#endif
