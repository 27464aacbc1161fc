/* Errors that a stream tells of when its answer has begun: the request cannot be saved any more, the next one can. */
#ifndef HERMES_TROUBLE_H
#define HERMES_TROUBLE_H

#include <stddef.h>

struct attempt;
struct exchange;

/* LEN more bytes of ATTEMPT's answer go out: the first error among its events is booked on the key, and stands in the
 * record and the metrics. */
void trouble_look(struct exchange *x, struct attempt *attempt, const char *bytes, size_t len);

#endif
