/* "Did you mean": the nearest of some names, when it is near enough to be a slip of the fingers. */
#ifndef HERMES_NEAR_NAME_H
#define HERMES_NEAR_NAME_H

#include <stddef.h>

/* Start with the name that was written; consider each candidate; `best` is the nearest, or NULL. */
struct near_name {
    const char *written;
    size_t len;      /* its length, once it is known */
    size_t distance; /* of the best */
    const char *best;
};

void near_name_consider(struct near_name *near, const char *candidate);

#endif
