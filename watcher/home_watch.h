/* One home that is watched: when it is compiled, what of it is watched, and what is done after each compile. Homes share
 * nothing but the loop and the queue of events, so that trouble in one is no other's. */
#ifndef HERMES_HOME_WATCH_H
#define HERMES_HOME_WATCH_H

#include "announce.h"
#include "compile.h"
#include "drift_look.h"
#include "home_report.h"
#include "home_state.h"
#include "job.h"
#include "pace.h"
#include "prove.h"
#include "reload_unit.h"
#include "watch_set.h"

#include <systemd/sd-event.h>

struct watcher;

struct home_watch {
    struct watcher *watcher;
    char *home;      /* absolute */
    char *label;     /* what the lines about it begin with; NULL where it is the only home */
    bool discovered; /* a profile: it is no longer watched when it vanishes */
    struct pace pace;
    sd_event_source *timer; /* the next compile */
    sd_event_source *now;   /* ... when it is due already */
    bool compiling;         /* at this moment, beside the loop; `job` and `compilation` are in use */
    struct job job;
    struct compilation compilation;
    bool hold_empty;
    struct watch_client *watches;
    char *paths[COMPILE_MAX_SOURCES + 2]; /* what is watched */
    size_t path_count;
    bool other_paths;      /* they are other ones than those that are watched */
    int lock;              /* compiled/watch.lock; -1: not ours yet */
    struct hermes *reader; /* has the snapshot in memory, so that the next compile need not read it first */
    struct arena *arena;   /* of the compile that is under way */
    struct stat pool;      /* auth.json as our last compile left it */
    struct stat snapshot;  /* ... and the snapshot */
    char *said;            /* the diagnostics of the last compile: they are not repeated */
    char *said_gaps;       /* what cannot be watched, as it was said last; NULL: there is nothing */
    struct home_state state;
    struct home_report report;
    struct drift_look drift;
    bool said_stuck;
    int said_unlocked;    /* why watch.lock cannot be had, as it was said last: a negative errno; 0: it can */
    bool said_kept;       /* that the sources published nothing */
    bool reloading;       /* a reload waits for a compile that begins after it */
    bool reload_begun;    /* ... which is the one that began last */
    bool removed;         /* and to be freed when the compile is through */
    struct prover prover; /* the reactions: what follows a compile, beside the loop */
    struct announcer announcer;
    struct reloader reloader;
};

/* Compiles HOME as soon as the loop turns, and from then on whenever it changes. NULL where memory or descriptors are
 * out. */
struct home_watch *home_watch_create(struct watcher *watcher, const char *home, const char *label);
void home_watch_destroy(struct home_watch *h);

/* Only one process may watch a home: 0, or -EWOULDBLOCK with the process that does. Also 0 while there is no home. */
int home_watch_lock(struct home_watch *h, pid_t *ret_holder);

/* It is this process that watches what lies at the home's path now. */
bool home_watch_is_locked(const struct home_watch *h);

/* Says MESSAGE about the home. CODE: of a diagnostic, or NULL. */
void home_watch_say(const struct home_watch *h, int priority, const char *code, const char *message);

/* Compiles as soon as the loop turns, however the pace stands. */
void home_watch_request(struct home_watch *h);

#endif
