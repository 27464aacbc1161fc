#include "iso_time.h"

#include "arena.h"
#include "clock.h"

const char *iso_time(struct arena *arena, struct timespec when)
{
    struct tm utc;
    char text[32];
    (void)gmtime_r(&when.tv_sec, &utc);
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    return arena_printf(arena, "%s.%03ldZ", text, when.tv_nsec / 1000000);
}

const char *iso_time_now(struct arena *arena)
{
    return iso_time(arena, clock_wall_time());
}
