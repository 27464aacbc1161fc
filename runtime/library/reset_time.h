/* The moment that a provider names for "good again", in the many ways they have. All results are seconds since the
 * epoch; NAN where no moment is named, or a nonsensical one: more than a day ago, or more than RESET_LATEST ahead. */
#ifndef HERMES_RESET_TIME_H
#define HERMES_RESET_TIME_H

#include <stdbool.h>
#include <stddef.h>

/* 32 days: quotas are by the month at the longest. */
#define RESET_LATEST (32 * 86400.0)
/* A larger number is milliseconds since the epoch. */
#define MILLISECONDS_FROM 1e12

/* A value by itself: "120", "0.5", "1795478458", "1795478458123" (milliseconds), "1m30s", "6ms", "34.07s",
 * "2026-11-25T10:00:00Z", "Wed, 25 Nov 2026 10:00:00 GMT". A bare number is seconds from now, or an epoch when it is
 * large enough for one; MILLISECONDS: it is milliseconds from now. */
double reset_time_parse(const char *text, size_t len, double now, bool milliseconds);
/* The same of a moment that was written down: seconds or milliseconds since the epoch or a date, however far away. */
double reset_time_moment(const char *text);
/* In a sentence: "... reset after 2m", "try again in 1 hour and 5 minutes", "resets at 2026-11-25 10:00:00". */
double reset_time_in_text(const char *text, size_t len, double now);

#endif
