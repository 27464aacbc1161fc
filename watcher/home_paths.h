/* Which files of a home are watched: those that its last compile looked for, and the snapshot. */
#ifndef HERMES_HOME_PATHS_H
#define HERMES_HOME_PATHS_H

#include "compile.h"

struct home_paths {
    char *items[SOURCES_MOST + 2];
    size_t count;
    bool other; /* than those that are watched */
};

/* Before the first compile: what every home has. */
void home_paths_begin(struct home_paths *paths, const char *home, const char *managed);
/* What C looked for. */
void home_paths_learn(struct home_paths *paths, const char *home, const struct compilation *c);
/* Their bytes together, as far as they are there. */
long long home_paths_size(const struct home_paths *paths);
void home_paths_finish(struct home_paths *paths);

#endif
