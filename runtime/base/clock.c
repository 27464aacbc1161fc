#include "clock.h"

struct timespec clock_wall_time(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now;
}

double clock_wall(void)
{
    struct timespec now = clock_wall_time();
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

long long clock_wall_age_ms(struct timespec when)
{
    struct timespec now = clock_wall_time();
    return (now.tv_sec - when.tv_sec) * 1000LL + (now.tv_nsec - when.tv_nsec) / 1000000;
}

long long clock_monotonic_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}
