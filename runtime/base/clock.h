/* The two clocks: the one on the wall, for what is written down or comes from outside, and the one that never jumps,
 * for how long something takes. */
#ifndef HERMES_CLOCK_H
#define HERMES_CLOCK_H

#include <time.h>

struct timespec clock_wall_time(void);
/* The same in seconds since the epoch. */
double clock_wall(void);
/* Microseconds since some moment before this process began. */
long long clock_monotonic_us(void);

#endif
