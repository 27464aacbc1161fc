/* What the pool says of keys, as the compiler keeps it in compiled/cooldowns.json: read again when the file changes. An
 * observation: when it cannot be read, every key counts as fresh. */
#ifndef HERMES_POOL_MEMORY_H
#define HERMES_POOL_MEMORY_H

#include <stddef.h>

#include "guarded_file.h"
#include "must_check.h"

struct pool_cooldown;

struct pool_memory {
    const char *path; /* the caller's */
    struct moment moment;
    struct pool_cooldown *items; /* sorted */
    size_t count;
};

/* False in a bad moment (no memory, no descriptor, a disk error): what was known stays known, look again soon. */
bool pool_memory_look(struct pool_memory *memory) MUST_CHECK;
void pool_memory_finish(struct pool_memory *memory);
/* Until when the key cools, in seconds since the epoch; INFINITY for a dead one, 0 when nothing is known. *RET_STATUS
 * is the HTTP status it was answered with, 0 when that is not known. */
double pool_memory_until(const struct pool_memory *memory, const char *provider, const char *fingerprint,
                         int *ret_status);

#endif
