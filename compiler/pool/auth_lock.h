/* Hermes's own lock, auth.lock: whoever writes auth.json holds it. */
#ifndef HERMES_AUTH_LOCK_H
#define HERMES_AUTH_LOCK_H

#include "diagnostic.h"
#include "must_check.h"

/* A descriptor to close, or -EWOULDBLOCK after WAIT_MS, or another negative errno. */
int auth_lock(const char *home, int wait_ms) MUST_CHECK;
/* That it could not be had for so long, WHAT that means and what to do. */
void auth_lock_say_held(struct diagnostics *list, const char *home, int waited_ms, const char *what, const char *help);

#endif
