/* Processes of this user that run Hermes. */
#ifndef HERMES_HERMES_PROCESS_H
#define HERMES_HERMES_PROCESS_H

#include "must_check.h"
#include "text.h"

struct hermes_process {
    const char *pid;
    int folder;                   /* of /proc */
    const char *home;             /* "" when it cannot be told */
    const struct text *variables; /* its "environ" */
};

/* Calls LOOK for each; what that is given is good until it returns. */
void hermes_process_each(struct arena *arena, void (*look)(void *context, const struct hermes_process *process),
                         void *context);
/* Whether one of HOME was started before MOMENT (seconds since the epoch). */
bool hermes_process_before(struct arena *arena, const char *home, double moment) MUST_CHECK;

#endif
