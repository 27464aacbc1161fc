/* A step that waits for the disk, for several files at once: one commit of the file system's journal serves them all,
 * where a fsync behind the other would wait for one each. */
#ifndef HERMES_REPLACE_TOGETHER_H
#define HERMES_REPLACE_TOGETHER_H

#include <stddef.h>

#include "replace.h"

enum { REPLACE_TOGETHER_MOST = 3 };

struct replace_step {
    struct replacement *replacement;
    int error; /* what the step returned */
};

/* Calls STEP, replace_flush or replace_sync, for each of the COUNT <= REPLACE_TOGETHER_MOST. */
void replace_together(int (*step)(struct replacement *), struct replace_step *steps, size_t count);

#endif
