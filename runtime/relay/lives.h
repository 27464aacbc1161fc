/* Requests about what lives with a key: a file, a batch, a response or a conversation is known to the account that made
 * it. */
#ifndef HERMES_LIVES_H
#define HERMES_LIVES_H

struct attempt;
struct exchange;

/* Finds what X speaks of, in its path and its body, and whose it is: x->owner, "" when nobody's. PROVIDER has been
 * chosen. */
void lives_look(struct exchange *x);
/* ATTEMPT's key was taken, and its answer is about to go out: what it names is that key's from now on. */
void lives_note(struct exchange *x, const struct attempt *attempt);

#endif
