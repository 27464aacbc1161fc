/* What went through the relay in each minute of the last hour, by provider: for the plots of the status page. Whoever
 * has it sees to its lock. */
#ifndef HERMES_MINUTES_H
#define HERMES_MINUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "must_check.h"
#include "provider_table.h"

struct bytes;
struct record;

/* MINUTES_PROVIDERS: of more, those are kept that were asked last. */
enum { MINUTES_KEPT = 60, MINUTES_PROVIDERS = 16, MINUTES_STEPS = 24 };

struct minute {
    long long number; /* since the epoch */
    unsigned requests;
    unsigned failures;
    unsigned long long tokens_in;
    unsigned long long tokens_out;
    unsigned steps[MINUTES_STEPS]; /* how many answers began within that time */
};

struct minutes {
    struct minutes_of {
        char provider[PROVIDER_NAME_SIZE];
        struct minute kept[MINUTES_KEPT]; /* at their number modulo */
    } providers[MINUTES_PROVIDERS];
    size_t count;
};

/* A request that is over. NOW: seconds since the epoch. */
void minutes_note(struct minutes *minutes, const struct record *record, double now);

/* `[{"provider":..., "requests":[...], ...}]`: each list has a number for each minute of the last hour, the running one
 * last. Times are in milliseconds; 0: no answer began in that minute. */
bool minutes_json(const struct minutes *minutes, double now, struct bytes *out) MUST_CHECK;

#endif
