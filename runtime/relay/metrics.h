/* Numbers since the start, for Prometheus. */
#ifndef HERMES_METRICS_H
#define HERMES_METRICS_H

#include <stdbool.h>

#include "bytes.h"
#include "must_check.h"
#include "record.h"

struct metrics;
struct relay;

struct metrics *metrics_create(void) MUST_CHECK;
void metrics_destroy(struct metrics *metrics);
/* A request is over; tokens 0: not told. */
void metrics_request(struct metrics *metrics, const struct record *record, long long tokens_in, long long tokens_out);
/* Another key or provider was asked instead of one of PROVIDER. */
void metrics_failover(struct metrics *metrics, const char *provider);
/* A stream of PROVIDER told of an error when it had begun. */
void metrics_trouble(struct metrics *metrics, const char *provider);
/* What minutes.h tells of the last hour, as JSON. */
bool metrics_minutes(struct metrics *metrics, struct bytes *out) MUST_CHECK;
/* In Prometheus's text format 0.0.4, with the state of each key of RELAY's snapshot. */
bool metrics_text(struct relay *relay, struct bytes *out) MUST_CHECK;

#endif
