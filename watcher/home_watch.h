/* One home that is watched: an event, a pace, a compile, and what follows it. Homes share nothing but the commons, so
 * that trouble in one is no other's. */
#ifndef HERMES_HOME_WATCH_H
#define HERMES_HOME_WATCH_H

#include "after_compile.h"
#include "commons.h"
#include "home_lock.h"
#include "home_paths.h"
#include "home_report.h"
#include "must_check.h"
#include "pace.h"

struct home_watch {
    struct commons *commons;
    char *path;  /* of the home, absolute */
    char *place; /* ... as it is shown */
    char *label; /* what the lines about it begin with; NULL where it is the only home */
    struct home_state state;
    struct watched_home home; /* that, as the others see it */
    bool discovered;          /* a profile: it is no longer watched when it vanishes */
    struct pace pace;
    sd_event_source *timer; /* the next compile */
    sd_event_source *now;   /* ... when it is due already */
    bool busy;              /* `job` is under way, in the loop or beside it; what it works with is its own */
    struct job job;
    bool in_loop;              /* ... the latter */
    struct home_state shown;   /* what the job of a report writes */
    sd_event_source *patience; /* when a job has not come back for so long, its file system hangs */
    bool hung;
    bool report_missed; /* the report's time came while a job was under way */
    bool updated;       /* what is watched, since it was last said what cannot be */
    bool look;          /* at what cannot be watched, as soon as no job is under way */
    bool check_first;   /* only what we write ourselves has changed: perhaps by ourselves */
    bool checking;      /* ... when the job that is under way began */
    enum home_found { FOUND_HOME, FOUND_NOTHING, FOUND_TAKEN, FOUND_SAME } found; /* before a compile */
    int locked;   /* ... and whether its lock could be had: 0 or a negative errno */
    pid_t holder; /* FOUND_TAKEN: by it */
    struct compilation compilation;
    bool hold_vanished;
    bool hold_empty;
    struct emptied emptied; /* what is held back, or was confirmed and is empty still */
    unsigned emptied_saved; /* watch_client_saved() then */
    unsigned saved;         /* ... when the compile that is under way began */
    struct watch_client *watches;
    struct home_paths paths; /* what is watched */
    struct home_lock lock;
    struct hermes *reader;            /* has the snapshot in memory, so that the next compile need not read it first */
    struct arena *arena;              /* of the compile that is under way */
    struct stat pool;                 /* auth.json as our last compile left it */
    struct stat snapshot;             /* ... and the snapshot */
    char *root_pool;                  /* a profile's: its root's auth.json, which is nobody's to undo; else NULL */
    struct stat inherited;            /* ... as that compile read it; zero: it was not there */
    const struct hermes_view *before; /* what the compile compared with, for as long as its result is used */
    bool said_stuck;                  /* that auth.lock is held */
    bool reload_begun;                /* the compile that began last is one that a reload waits for */
    bool removed;                     /* and to be freed when the compile is through */
    struct after_compile after;
    struct home_report report;
    struct drift_look drift;
};

/* Compiles the home at PATH as soon as the loop turns, and from then on whenever it changes. LABEL: see above. NULL
 * where memory or descriptors are out. */
struct home_watch *home_watch_create(struct commons *commons, const char *path, const char *label) MUST_CHECK;
void home_watch_destroy(struct home_watch *h);

/* Compiles as soon as the loop turns, however the pace stands. */
void home_watch_request(struct home_watch *h);

/* This process ends: the report says so. */
void home_watch_leave(struct home_watch *h);
/* Its file system may not answer: whatever asks it belongs into a thread. */
bool home_watch_is_foreign(const struct home_watch *h);

#endif
