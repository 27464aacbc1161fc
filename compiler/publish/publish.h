/* The last two stages: the snapshot, then the pool, each replaced atomically and durably. Both are made durable before
 * either becomes visible, so that readers of the two see them change together. */
#ifndef HERMES_PUBLISH_H
#define HERMES_PUBLISH_H

#include "compile.h"

struct publish_input {
    const char *home;
    struct text *content; /* of the new snapshot, given back once it is written; NULL: the one in force is right */
    long long generation; /* the new one */
    int lock_wait_ms;
};

/* Sets published, projected, pool_waiting and pool_plan; false when something could not be written (a diagnostic says
 * what). */
bool publish(struct compilation *compilation, const struct publish_input *input);

/* What projecting would change, without the lock and without writing. ONLY_CHECK: for diagnostics and cooldowns alone. */
void publish_preview(struct compilation *compilation, const char *home, bool only_check);

/* The lock that makes compiles of one home follow each other: a compile that read old sources must not publish after
 * one that read new ones. A descriptor to close, or -EWOULDBLOCK after WAIT_MS, or another negative errno. Makes the
 * compiled/ directory. */
int publish_lock(const char *home, int wait_ms);
/* Says why publish_lock() answered ERROR, and who holds the lock. */
void publish_say_unlocked(struct diagnostics *list, const char *home, int error);
/* That auth.lock, at PATH, could not be had, WHAT that means and what to do. */
void publish_say_pool_locked(struct diagnostics *list, const char *path, int waited_ms, const char *what,
                             const char *help);

/* Adds what the file at PATH remembers, and its bytes to BEFORE. False, with a diagnostic, when it cannot be read at this
 * moment: then it must not be written anew, or it would be forgotten. */
bool publish_load_cooldowns(struct cooldowns *cooldowns, const char *path, struct text *before,
                            struct diagnostics *diagnostics);

#endif
