/* A home that is watched, as those see it who report on it and who react to its compiles. */
#ifndef HERMES_WATCHED_HOME_H
#define HERMES_WATCHED_HOME_H

#include "home_state.h"

#include <systemd/sd-event.h>

struct watched_home {
    sd_event *event;   /* the loop: descriptors and timers are hung into it */
    const char *home;  /* absolute */
    const char *place; /* ... as it is shown: a profile may be called like a key */
    const char *label; /* what the lines about it begin with; NULL where it is the only home */
    bool quiet;        /* no word of what went well */
    struct home_state *state;
};

/* Says MESSAGE about the home. CODE: of a diagnostic, or NULL. */
void watched_home_say(const struct watched_home *home, int priority, const char *code, const char *message);

#endif
