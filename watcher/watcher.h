/* The process: one loop, one queue of events, any number of homes.
 *
 *     watcher_hold_signals(SIG_BLOCK);        first of all: one that comes too early would end the process
 *     struct watcher w;
 *     int error = watcher_open(&w, managed, quiet);
 *     error = watcher_add(&w, home);          for each home
 *     int status = watcher_run(&w);           until SIGTERM or SIGINT
 *     watcher_close(&w);
 */
#ifndef HERMES_WATCHER_H
#define HERMES_WATCHER_H

#include "home_watch.h"
#include "notify.h"

struct watcher {
    sd_event *event; /* the loop; whoever reacts to compiles hangs its descriptors and timers into it */
    struct notifier notifier;
    const char *managed;
    bool quiet;
    struct watch_set *watches;
    struct jobs *jobs;
    struct home_watch **homes;
    size_t count;
    struct timespec started;
    struct arena *arena;    /* for the next compile, so that no edit waits for memory; NULL: it is in use */
    bool looking;           /* at drift, beside the loop */
    uint64_t look_after;    /* not before this, CLOCK_MONOTONIC */
    bool ready;             /* READY=1 was sent */
    size_t reloading;       /* homes that are still to be looked at before a reload is through */
    sd_event_source *queue; /* of events */
    sd_event_source *pause; /* ends a pause of the queue */
    uint64_t drained;       /* when it was read last */
};

/* SIG_BLOCK: signals wait for the loop; SIG_UNBLOCK: there will be none. */
void watcher_hold_signals(int how);
/* 0 or a negative errno. MANAGED must live as long as W. */
int watcher_open(struct watcher *w, const char *managed, bool quiet) __attribute__((warn_unused_result));
void watcher_close(struct watcher *w);
/* LABEL: see struct home_watch. NULL where memory is out. */
struct home_watch *watcher_add(struct watcher *w, const char *home, const char *label);
void watcher_remove(struct watcher *w, struct home_watch *h);
/* NULL: it is not watched. */
struct home_watch *watcher_find(const struct watcher *w, const char *home);
/* 0, or a negative errno when the loop broke. */
int watcher_run(struct watcher *w);

/* H's status is as it says now. NEWS: systemd is told even when the line is the same. */
void watcher_tell(struct watcher *w, const struct home_watch *h, bool news);
/* H was compiled, or it was seen that it cannot be at this moment. */
void watcher_looked_at(struct watcher *w, struct home_watch *h);

#endif
