/* GET /v1/models of all providers: the default one's under their own names, the others' as `provider/model`, by which
 * they can be asked for. Kept for a minute. */
#ifndef HERMES_MODELS_H
#define HERMES_MODELS_H

#include <stdbool.h>

#include "must_check.h"

struct attempt;
struct exchange;
struct models_cache;

struct models_cache *models_create(void) MUST_CHECK;
void models_destroy(struct models_cache *cache);

/* Whether X is such a request: x->lists. One that is kept answers it at once: true. */
bool models_begin(struct exchange *x) MUST_CHECK;
/* The default provider has answered with ATTEMPT, whole, and the others are asked. False: it is no list, and is to be
 * passed on as it is. */
bool models_gather(struct exchange *x, struct attempt *attempt) MUST_CHECK;
/* Something came back, or the clock moved on. */
void models_step(struct exchange *x, long long now_us);
void models_abandon(struct exchange *x);

#endif
