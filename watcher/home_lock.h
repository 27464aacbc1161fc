/* compiled/watch.lock of a home: only one process may watch it. */
#ifndef HERMES_HOME_LOCK_H
#define HERMES_HOME_LOCK_H

#include "watched_home.h"

struct home_lock {
    int fd;   /* -1: not ours (yet) */
    int said; /* why it cannot be had, as it was said last: a negative errno; 0: it can */
};

/* 0, or -EWOULDBLOCK with the process that watches HOME; 0: one that cannot be seen from here. Also 0 while there is no
 * home, or no lock can be made in it, which is said. */
int home_lock_take(struct home_lock *lock, const struct watched_home *home, pid_t *ret_holder);
/* It is this process that watches what lies at HOME now. */
bool home_lock_is_held(const struct home_lock *lock, const char *home);
void home_lock_release(struct home_lock *lock);

#endif
