/* "Did you mean": the nearest of some names, when it is near enough to be a slip of the fingers. */
#ifndef HERMES_NEAR_NAME_H
#define HERMES_NEAR_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What tells most names apart without comparing them. */
struct name_letters {
    const char *name;
    size_t len;
    uint64_t letters; /* a bit for each that is in it, whatever its case; some share one */
};

/* Start with the name that was written; consider each candidate; `best` is the nearest, or NULL. */
struct near_name {
    const char *written;
    struct name_letters letters; /* of it, once they are known */
    size_t distance;             /* of the best */
    const char *best;
};

void near_name_consider(struct near_name *near, const char *candidate);

/* For candidates that many names are held against. */
struct name_letters near_name_letters(const char *name);
void near_name_consider_letters(struct near_name *near, const struct name_letters *candidate);
/* A letter is a letter, whatever its case; `-` and `_` are nothing. */
bool near_name_same_letters(const struct name_letters *a, const struct name_letters *b);

#endif
