/* When to compile: at once at the first event, then no more often than once per settle window; again after what was
 * held, busy or locked. A state machine over milliseconds that are given from outside: no clock, no timer. */
#ifndef HERMES_PACE_H
#define HERMES_PACE_H

#include <stdbool.h>

#include "must_check.h"

enum {
    PACE_HOLD_MS = 500,         /* an emptied or vanished config.yaml is believed after this long */
    PACE_BUSY_MS = 5000,        /* longest pause between looks at a file that is being written: its close is an event */
    PACE_BUSY_PATIENCE = 2000,  /* after this long it is worth a word */
    PACE_LOCK_MS = 50,          /* Hermes's own polling of auth.lock */
    PACE_LOCK_PATIENCE = 15000, /* ... and how long it waits */
    PACE_RETRY_MS = 5000,       /* after input or output failed */
    PACE_TAKEN_MS = 1000,       /* while another process watches the home: nothing tells of its end */
    PACE_REPAIRS = 10,          /* repairs of the pool that no source asked for, per minute */
};

struct pace {
    long long settle_ms;
    long long last;       /* start of the last compile; 0: none yet */
    long long due;        /* when the next one is to start; 0: nothing is due */
    long long held_since; /* 0: nothing is held */
    long long locked_since;
    long long busy_since;
    long long busy_ms; /* the last pause */
    long long minute;  /* start of the window in which repairs are counted */
    int repairs;
};

enum pace_outcome { PACE_DONE, PACE_HELD, PACE_BUSY, PACE_LOCKED, PACE_FAILED, PACE_TAKEN, PACE_REPAIRED };

/* A source changed. */
void pace_event(struct pace *pace, long long now);
/* Somebody changed what we publish, and perhaps does so as fast as we do. */
void pace_undone(struct pace *pace, long long now);
/* Somebody writes to a source. The close will be an event, if there is a close. */
void pace_writing(struct pace *pace, long long now);
/* Milliseconds until a compile is due: 0 now, -1 never. */
long long pace_wait(const struct pace *pace, long long now);
/* A compile starts now; true when an emptied configuration is no longer to be held back. */
bool pace_start(struct pace *pace, long long now) MUST_CHECK;
/* How it ended. */
void pace_end(struct pace *pace, long long now, enum pace_outcome outcome);
/* What was repaired last is undone as fast as it is repaired. */
bool pace_is_undone(const struct pace *pace, long long now);
/* A source has been open for writing all the time, for longer than editors take. */
bool pace_busy_is_long(const struct pace *pace, long long now);
/* auth.lock has been held by somebody else for longer than Hermes itself would wait. */
bool pace_lock_is_stuck(const struct pace *pace, long long now);

#endif
