#include "strategy.h"

#include <string.h>
#include <strings.h>

static const char *const names[STRATEGIES] = {"fill_first", "round_robin", "least_used", "random"};

const char *strategy_name(enum strategy strategy)
{
    return names[strategy];
}

enum strategy strategy_find(const char *text, size_t len)
{
    enum strategy strategy = STRATEGY_FILL_FIRST;
    while (strategy < STRATEGIES && (strlen(names[strategy]) != len || strncasecmp(names[strategy], text, len) != 0))
        strategy++;
    return strategy;
}
