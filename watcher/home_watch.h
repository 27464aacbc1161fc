/* One home that is watched: an event, a pace, a compile, and what follows it. Homes share nothing but the commons, so
 * that trouble in one is no other's. */
#ifndef HERMES_HOME_WATCH_H
#define HERMES_HOME_WATCH_H

#include "after_compile.h"
#include "commons.h"
#include "home_lock.h"
#include "home_paths.h"
#include "home_report.h"
#include "pace.h"

struct home_watch {
    struct commons *commons;
    char *path;  /* of the home, absolute */
    char *label; /* what the lines about it begin with; NULL where it is the only home */
    struct home_state state;
    struct watched_home home; /* that, as the others see it */
    bool discovered;          /* a profile: it is no longer watched when it vanishes */
    struct pace pace;
    sd_event_source *timer; /* the next compile */
    sd_event_source *now;   /* ... when it is due already */
    bool compiling;         /* at this moment, beside the loop; `job` and `compilation` are in use */
    struct job job;
    struct compilation compilation;
    bool hold_empty;
    struct watch_client *watches;
    struct home_paths paths; /* what is watched */
    struct home_lock lock;
    struct hermes *reader; /* has the snapshot in memory, so that the next compile need not read it first */
    struct arena *arena;   /* of the compile that is under way */
    struct stat pool;      /* auth.json as our last compile left it */
    struct stat snapshot;  /* ... and the snapshot */
    bool said_stuck;       /* that auth.lock is held */
    bool reload_begun;     /* the compile that began last is one that a reload waits for */
    bool removed;          /* and to be freed when the compile is through */
    struct after_compile after;
    struct home_report report;
    struct drift_look drift;
};

/* Compiles the home at PATH as soon as the loop turns, and from then on whenever it changes. LABEL: see above. NULL
 * where memory or descriptors are out. */
struct home_watch *home_watch_create(struct commons *commons, const char *path, const char *label);
void home_watch_destroy(struct home_watch *h);

/* Compiles as soon as the loop turns, however the pace stands. */
void home_watch_request(struct home_watch *h);

/* This process ends while a compile runs: the report says so. */
void home_watch_leave(struct home_watch *h);

#endif
