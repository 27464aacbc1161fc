/* Decides what happens next with a request. Before a byte of an answer has been passed on, a key that is refused cools
 * down and each other healthy key of the provider is tried once, then the fallbacks that the configuration names; never
 * a provider that it does not name, and never a second time what may have been charged for. */
#ifndef HERMES_FAILOVER_H
#define HERMES_FAILOVER_H

struct exchange;

enum { HOLD_EVENT_MS = 15000, ANSWER_IDLE_MS = 600000 };

/* The request is known (its body whole, or `streaming`): finds out whom to ask, and asks. */
void failover_begin(struct exchange *x);
/* Something came back for x->now; or the clock has moved on. */
void failover_step(struct exchange *x, long long now_us);
/* Ends whatever is under way. */
void failover_abandon(struct exchange *x);

#endif
