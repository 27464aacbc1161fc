/* The process: one loop, one queue of events, any number of homes.
 *
 *     struct watcher w;
 *     int error = watcher_open(&w, managed, quiet);
 *     error = watcher_add(&w, home);          for each home
 *     int status = watcher_run(&w);           until SIGTERM or SIGINT
 *     watcher_close(&w);
 */
#ifndef HERMES_WATCHER_H
#define HERMES_WATCHER_H

#include "home_watch.h"

struct watcher {
    sd_event *event; /* the loop; whoever reacts to compiles hangs its descriptors and timers into it */
    const char *managed;
    bool quiet;
    struct watch_set *watches;
    struct home_watch **homes;
    size_t count;
    bool ready;     /* READY=1 was sent */
    bool reloading; /* RELOADING=1 was sent, and no READY=1 since */
};

/* 0 or a negative errno. MANAGED must live as long as W. */
int watcher_open(struct watcher *w, const char *managed, bool quiet) __attribute__((warn_unused_result));
void watcher_close(struct watcher *w);
/* LABEL: see struct home_watch. NULL where memory is out. */
struct home_watch *watcher_add(struct watcher *w, const char *home, const char *label);
/* 0, or a negative errno when the loop broke. */
int watcher_run(struct watcher *w);

/* H's status is as it says now. NEWS: systemd is told even when the line is the same. */
void watcher_tell(struct watcher *w, const struct home_watch *h, bool news);

#endif
