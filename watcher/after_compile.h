/* What follows a compile of a home, in this order: whoever waits is told, people are told, and then everything that may
 * take its time. C lives until the call returns; it has what changed per provider and fingerprint in c->plan.changes. */
#ifndef HERMES_AFTER_COMPILE_H
#define HERMES_AFTER_COMPILE_H

#include "home_watch.h"

/* After every compile that came to a result: all but COMPILE_BUSY, which is tried again at once. */
void after_compile(struct home_watch *h, const struct compilation *c);
/* There is no home (yet, or any more). */
void after_absence(struct home_watch *h);
enum { REFUSAL_ROOM = 4200 };
/* Process HOLDER watches HOME already; 0: one that cannot be seen from here. */
void refusal_text(char text[REFUSAL_ROOM], const char *home, pid_t holder);
void after_refusal(struct home_watch *h, pid_t holder);

#endif
