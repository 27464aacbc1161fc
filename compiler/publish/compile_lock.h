/* The lock that makes compiles of one home follow each other: a compile that read old sources must not publish after
 * one that read new ones. */
#ifndef HERMES_COMPILE_LOCK_H
#define HERMES_COMPILE_LOCK_H

#include <stdbool.h>

#include "diagnostic.h"
#include "must_check.h"

/* A descriptor to close, or -EWOULDBLOCK after WAIT_MS, or another negative errno. Makes the compiled/ directory. */
int compile_lock(const char *home, int wait_ms) MUST_CHECK;
/* A lock file in compiled/, which is made; a descriptor or a negative errno. */
int compile_lock_open(const char *path) MUST_CHECK;
/* Nobody has put another folder in the place of compiled/ since it was locked. */
bool compile_lock_folder_is_ours(const char *home) MUST_CHECK;
/* Says why it answered ERROR, and who holds the lock. */
void compile_lock_say(struct diagnostics *list, const char *home, int error);

#endif
