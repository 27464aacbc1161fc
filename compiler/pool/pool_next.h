/* Which key Hermes sends next, as auth.json stands. */
#ifndef HERMES_POOL_NEXT_H
#define HERMES_POOL_NEXT_H

#include "pool_document.h"

/* The fingerprint of the entry that Hermes selects for PROVIDER at NOW: the first usable one by priority, under least_used
 * the one with the fewest requests. NULL: there is none, or under `random` nobody knows. */
const char *pool_next(struct arena *arena, const struct pool_document *document, const struct provider *provider,
                      double now);

#endif
