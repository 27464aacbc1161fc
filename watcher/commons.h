/* What the homes of one process share: the loop, the queue of events, the threads, and whose turn it is. */
#ifndef HERMES_COMMONS_H
#define HERMES_COMMONS_H

#include "drift_look.h"
#include "must_check.h"
#include "systemd_status.h"

struct commons {
    sd_event *event; /* the loop; whoever reacts to compiles hangs its descriptors and timers into it */
    struct systemd_status systemd;
    const char *managed; /* the managed directory */
    bool quiet;
    struct watch_set *watches;
    struct jobs *jobs;
    struct drift_turns drift;
    struct timespec started;
    bool said_unlocked;  /* that memory is not locked */
    struct arena *arena; /* for the next compile, so that no edit waits for memory; NULL: it is in use */
};

/* What a job works with is no other home's meanwhile. */
struct arena *commons_take_arena(struct commons *commons) MUST_CHECK;
void commons_give_arena(struct commons *commons, struct arena *arena);

/* Says so, once, when memory that holds keys could not be locked. */
void commons_say_unlocked(struct commons *commons);

#endif
