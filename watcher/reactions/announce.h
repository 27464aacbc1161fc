/* hermes_watch.notify_url: after each publish an event is POSTed there, as JSON without keys, beside the loop.
 * While the receiver is down the newest events are kept and tried again, with longer and longer pauses. */
#ifndef HERMES_ANNOUNCE_H
#define HERMES_ANNOUNCE_H

#include "http_job.h"
#include "watched_home.h"

enum { ANNOUNCE_KEPT = 16 };

struct announcer {
    const struct watched_home *home;
    char *url;                     /* where the events go */
    char *requests[ANNOUNCE_KEPT]; /* for hermes-http, the oldest first */
    size_t count;
    size_t sent; /* how many are under way, from the first on */
    size_t gone; /* how many of those had to make room meanwhile */
    struct http_job job;
    sd_event_source *timer; /* the next try */
    unsigned failures;      /* in a row */
    bool said_down;
};

/* HOME lives as long as the announcer. */
void announce_open(struct announcer *announcer, const struct watched_home *home);
void announce_after_compile(struct announcer *announcer, const struct compilation *c);
void announce_close(struct announcer *announcer);

#endif
