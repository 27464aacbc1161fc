/* compiled/watch.lock of a home: only one process may watch it. */
#ifndef HERMES_HOME_LOCK_H
#define HERMES_HOME_LOCK_H

#include "must_check.h"
#include "watched_home.h"

struct home_lock {
    int fd;     /* -1: not ours (yet) */
    int opened; /* what is to be locked; -1: nothing */
    int said;   /* why it cannot be had, as it was said last: a negative errno; 0: it can */
};

#define HOME_LOCK_NONE ((struct home_lock){.fd = -1, .opened = -1})

/* In steps, of which the first and the last may have to wait for the home's file system, and the second tells others
 * which process it is that watches. There is nothing to lock when it is ours already, or while there is no home. */
void home_lock_open(struct home_lock *lock, const struct watched_home *home);
/* 0, or a negative errno; -EWOULDBLOCK: another process watches. */
int home_lock_take(struct home_lock *lock) MUST_CHECK;
/* After ERROR: the process that watches HOME; 0: one that cannot be seen from here. Another error is said, as one of
 * home_lock_open() is: no lock can be made there. */
pid_t home_lock_refused(struct home_lock *lock, const struct watched_home *home, int error);
/* It is this process that watches what lies at HOME now. */
bool home_lock_is_held(const struct home_lock *lock, const char *home);
void home_lock_release(struct home_lock *lock);

#endif
