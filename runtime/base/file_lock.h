/* flock(2) with a bounded wait, as Hermes takes its own auth.lock: exclusive, polled. */
#ifndef HERMES_FILE_LOCK_H
#define HERMES_FILE_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "must_check.h"

/* Opens (creating it) and locks PATH, which is nobody's but its owner's to open: else anybody could hold the lock. The
 * descriptor, whose closing unlocks; -EWOULDBLOCK when it is still held after WAIT_MS; another negative errno. */
int file_lock(const char *path, int wait_ms) MUST_CHECK;

/* In two steps: opened, and locked; that one closes nothing. */
int file_lock_open(const char *path) MUST_CHECK;
int file_lock_take(int fd, int wait_ms) MUST_CHECK;
/* What file_lock() does with what the first step has come to. */
int file_lock_opened(int fd, int wait_ms) MUST_CHECK;

/* The process that holds PATH's lock, from /proc/locks; 0 when it cannot be told, or has ended. */
pid_t file_lock_holder(const char *path);
/* Whether another process holds it, even one that cannot be seen from here: in another container. */
bool file_lock_is_held(const char *path);
/* Whoever took it has ended, and what still holds it is not to be waited for: the kernel does not let go of a process
 * that waits for a file system. */
bool file_lock_is_left(const char *path);

#endif
