/* Which key Hermes sends next, as auth.json stands. */
#ifndef HERMES_POOL_NEXT_H
#define HERMES_POOL_NEXT_H

#include "pool_document.h"

/* The fingerprint of the entry that Hermes selects for PROVIDER at NOW: the first usable one by priority, under
 * least_used the one with the fewest requests. NULL: there is none, or under `random` nobody knows. */
const char *pool_next(struct arena *arena, const struct pool_document *document, const struct provider *provider,
                      double now);

/* A model that a key cools for, while it serves others. */
struct pool_next_model {
    const char *name;
    double until;
};

/* Those of PROVIDER's key at NOW; the count. */
size_t pool_next_models(struct arena *arena, const struct pool_document *document, const struct provider *provider,
                        const char *fingerprint, double now, struct pool_next_model **ret);

#endif
