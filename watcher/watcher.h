/* The process: one loop, one queue of events, any number of homes.
 *
 *     watcher_hold_signals(SIG_BLOCK);              first of all: one that comes too early would end the process
 *     struct watcher w;
 *     int error = watcher_open(&w, managed, quiet);
 *     home = watcher_add(&w, path, label);          for each home
 *     int status = watcher_run(&w);                 until SIGTERM or SIGINT
 *     watcher_close(&w);
 */
#ifndef HERMES_WATCHER_H
#define HERMES_WATCHER_H

#include "home_watch.h"
#include "must_check.h"

struct watcher {
    struct commons commons;
    struct home_watch **homes;
    size_t count;
    bool terminal;          /* it was started in one, and ends with it */
    sd_event_source *queue; /* of events */
    sd_event_source *pause; /* ends a pause of the queue */
    uint64_t drained;       /* when it was read last */
};

/* SIG_BLOCK: signals wait for the loop; SIG_UNBLOCK: there will be none. */
void watcher_hold_signals(int how);
/* 0 or a negative errno. W stays where it is until it is closed, and MANAGED lives as long. */
int watcher_open(struct watcher *w, const char *managed, bool quiet) MUST_CHECK;
void watcher_close(struct watcher *w);
/* LABEL: see struct home_watch. NULL where memory is out. */
struct home_watch *watcher_add(struct watcher *w, const char *home, const char *label) MUST_CHECK;
void watcher_remove(struct watcher *w, struct home_watch *h);
/* NULL: it is not watched. */
struct home_watch *watcher_find(const struct watcher *w, const char *home) MUST_CHECK;
/* 0, or a negative errno when the loop broke. */
int watcher_run(struct watcher *w) MUST_CHECK;

#endif
