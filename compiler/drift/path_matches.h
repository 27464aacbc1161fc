/* The files that a pattern names. glob(3) frees twice where memory runs out, and a path may have a `[` of its own. */
#ifndef HERMES_PATH_MATCHES_H
#define HERMES_PATH_MATCHES_H

#include "arena.h"

struct path_matches {
    const char **items; /* in the arena */
    size_t count;
};

/* In order. Only the last part of PATTERN, an absolute path, may have a `*`; without one it stands for itself, there or
 * not. */
struct path_matches path_matches(struct arena *arena, const char *pattern);

#endif
