/* When a stream that is silent for long gets a comment, which lets everybody on the way know that it goes on. */
#ifndef HERMES_SILENCE_H
#define HERMES_SILENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "must_check.h"

enum { SILENCE_MS = 15000 }; /* shorter than the minute after which proxies and clients give up */

/* Of a stream of events; zero and `since_us` before it begins. */
struct silence {
    long long since_us; /* something went out last, or it began */
    char last[4];       /* that went out of it */
};

/* The next LEN bytes go out. */
void silence_end(struct silence *silence, const char *bytes, size_t len, long long now_us);
/* Whether a comment is due: nothing has gone out for SILENCE_MS, and what has ends with a blank line. Within an event a
 * comment would end it. */
bool silence_is_long(const struct silence *silence, long long now_us) MUST_CHECK;

#endif
