/* hermes_watch.fleet: `hermes-fleet follow` runs beside the home for as long as its configuration names a fleet. It
 * brings the fleet's env file into compiled/, from where the next compile takes it; it hears what each compile came to.
 * Where it ends, it is begun again, with longer and longer pauses; the home goes on with the revision that it has. */
#ifndef HERMES_FLEET_CHILD_H
#define HERMES_FLEET_CHILD_H

#include "watched_home.h"

struct fleet_child {
    const struct watched_home *home;
    char *wanted;       /* what the configuration says of the fleet, and the key file; NULL: the home is in none */
    char *running;      /* ... what the child was begun with */
    char *told;         /* the last line that it has */
    long long revision; /* in force */
    pid_t process;      /* 0: none */
    int input;
    int output;
    int handle; /* a pidfd */
    sd_event_source *lines;
    sd_event_source *ended;
    sd_event_source *again;
    unsigned failures; /* in a row */
    uint64_t began;    /* the last one, CLOCK_MONOTONIC */
    char *line;        /* of its output, as far as it has come; NULL: no child */
    size_t len;
};

/* HOME lives as long as the child. */
void fleet_child_open(struct fleet_child *child, const struct watched_home *home);
/* Begins, ends or replaces it as the configuration says, and tells it what is in force. */
void fleet_child_after_compile(struct fleet_child *child, const struct compilation *c);
void fleet_child_close(struct fleet_child *child);

#endif
