/* Another program of this package, as a child of this one. */
#ifndef HERMES_CHILD_PROGRAM_H
#define HERMES_CHILD_PROGRAM_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "must_check.h"

/* Where NAME lies: beside this program, as in a build folder, or in FOLDER, which is relative to that place; NULL:
 * nowhere else. */
bool child_program_find(const char *name, const char *folder, char path[PATH_MAX]) MUST_CHECK;

struct child_streams {
    int input;
    int output;
    int errors; /* -1: ours */
};

/* Its process is *RET. With the signals as a program expects them: hermes-watch blocks and ignores some. 0 or a
 * negative errno. */
int child_program_start(const char *path, char *const argv[], char *const environment[], struct child_streams streams,
                        pid_t *ret) MUST_CHECK;

#endif
