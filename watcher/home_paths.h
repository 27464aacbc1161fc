/* Which files of a home are watched: those that its last compile looked for, and the snapshot. */
#ifndef HERMES_HOME_PATHS_H
#define HERMES_HOME_PATHS_H

#include "compile.h"
#include "must_check.h"

struct home_paths {
    char *items[SOURCES_MOST + 3];
    size_t count;
    bool other; /* than those that are watched */
};

/* Before the first compile: what every home has. False: there is no memory. */
bool home_paths_begin(struct home_paths *paths, const char *home, const char *managed) MUST_CHECK;
/* What C looked for. Where memory runs out, it fails as memory.h has it. */
void home_paths_learn(struct home_paths *paths, const char *home, const struct compilation *c);
bool home_paths_has(const struct home_paths *paths, const char *path);
/* Their bytes together, as far as they are there. */
long long home_paths_size(const struct home_paths *paths);
void home_paths_finish(struct home_paths *paths);

#endif
