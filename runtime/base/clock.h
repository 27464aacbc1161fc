/* The two clocks: the one on the wall, for what is written down or comes from outside, and the one that never jumps,
 * for how long something takes. */
#ifndef HERMES_CLOCK_H
#define HERMES_CLOCK_H

#include <time.h>

struct timespec clock_wall_time(void);
/* The same in seconds since the epoch. */
double clock_wall(void);
/* Milliseconds since WHEN on the wall; negative while that is still to come. */
long long clock_wall_age_ms(struct timespec when);
/* Microseconds since some moment before this process began. */
long long clock_monotonic_us(void);

#endif
