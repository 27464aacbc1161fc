#include "pace.h"

static void sooner(struct pace *pace, long long at)
{
    if (pace->due == 0 || at < pace->due)
        pace->due = at;
}

void pace_event(struct pace *pace, long long now)
{
    long long earliest = pace->last == 0 ? now : pace->last + pace->settle_ms;
    sooner(pace, earliest > now ? earliest : now);
    pace->busy_ms = 0;
}

void pace_undone(struct pace *pace, long long now)
{
    if (!pace_is_undone(pace, now) || pace->due <= now) /* else keep the long pause */
        pace_event(pace, now);
}

void pace_writing(struct pace *pace, long long now)
{
    sooner(pace, now + pace->settle_ms);
    pace->busy_ms = 0;
}

long long pace_wait(const struct pace *pace, long long now)
{
    if (pace->due == 0)
        return -1;
    return pace->due > now ? pace->due - now : 0;
}

bool pace_start(struct pace *pace, long long now)
{
    pace->last = now;
    pace->due = 0;
    return pace->held_since != 0 && now >= pace->held_since + PACE_HOLD_MS;
}

static void count_repair(struct pace *pace, long long now)
{
    if (now >= pace->minute + 60000) {
        pace->minute = now;
        pace->repairs = 0;
    }
    if (++pace->repairs > PACE_REPAIRS)
        pace->due = now + 10000;
}

void pace_end(struct pace *pace, long long now, enum pace_outcome outcome)
{
    if (outcome != PACE_HELD)
        pace->held_since = 0;
    if (outcome != PACE_LOCKED)
        pace->locked_since = 0;
    if (outcome != PACE_BUSY)
        pace->busy_ms = pace->busy_since = 0;
    switch (outcome) {
    case PACE_DONE:
        break;
    case PACE_REPAIRED:
        count_repair(pace, now);
        break;
    case PACE_HELD:
        if (pace->held_since == 0)
            pace->held_since = now;
        sooner(pace, pace->held_since + PACE_HOLD_MS);
        break;
    case PACE_BUSY:
        if (pace->busy_since == 0)
            pace->busy_since = now;
        pace->busy_ms = pace->busy_ms == 0 ? 5 : pace->busy_ms * 2;
        if (pace->busy_ms > PACE_BUSY_MS)
            pace->busy_ms = PACE_BUSY_MS;
        sooner(pace, now + pace->busy_ms);
        break;
    case PACE_LOCKED:
        if (pace->locked_since == 0)
            pace->locked_since = now;
        sooner(pace, now + (pace_lock_is_stuck(pace, now) ? 1000 : PACE_LOCK_MS));
        break;
    case PACE_FAILED:
        sooner(pace, now + PACE_RETRY_MS);
        break;
    case PACE_TAKEN:
        sooner(pace, now + PACE_TAKEN_MS);
        break;
    }
}

bool pace_is_undone(const struct pace *pace, long long now)
{
    return pace->repairs > PACE_REPAIRS && now < pace->minute + 60000;
}

bool pace_busy_is_long(const struct pace *pace, long long now)
{
    return pace->busy_since != 0 && now >= pace->busy_since + PACE_BUSY_PATIENCE;
}

bool pace_lock_is_stuck(const struct pace *pace, long long now)
{
    return pace->locked_since != 0 && now >= pace->locked_since + PACE_LOCK_PATIENCE;
}
