/* How a provider's keys take turns: Hermes's credential_pool_strategies. */
#ifndef HERMES_STRATEGY_H
#define HERMES_STRATEGY_H

#include <stddef.h>

enum strategy { STRATEGY_FILL_FIRST, STRATEGY_ROUND_ROBIN, STRATEGY_LEAST_USED, STRATEGY_RANDOM, STRATEGIES };

/* "fill_first", ...: as configurations and snapshots say it. */
const char *strategy_name(enum strategy strategy);
/* LEN bytes of TEXT in any case; STRATEGIES: there is none of that name. */
enum strategy strategy_find(const char *text, size_t len);

#endif
