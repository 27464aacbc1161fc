/* Who is asked, with which key, and with what: one try after the other.
 *
 * One budget: ASK_TRIES attempts, and none begins later than ASK_MS after the first. */
#ifndef HERMES_ASK_H
#define HERMES_ASK_H

#include <stdbool.h>

#include "hermes_runtime.h"
#include "must_check.h"

struct attempt;
struct exchange;

enum { ASK_TRIES = 16, ASK_MS = 120000 };

/* Asks the provider that the path or the model names, else the default one; then as ask_next. There is a snapshot. 0
 * with x->now under way; or HERMES_NO_PROVIDER, HERMES_NO_KEY, HERMES_EXHAUSTED, -ELOOP (it is this relay) or another
 * negative errno. */
int ask_first(struct exchange *x) MUST_CHECK;
/* Asks whoever is left, within the budget. SAME: the provider of now may be asked with another key. */
int ask_next(struct exchange *x, bool same) MUST_CHECK;
/* Asks with ATTEMPT's key once more. */
int ask_again(struct exchange *x, const struct attempt *attempt) MUST_CHECK;
/* Asks a key of PROVIDER for the same, beside x->now. NULL: none can be. */
struct attempt *ask_beside(struct exchange *x, const char *provider) MUST_CHECK;
/* What the keys of the provider of now are wanted for; texts of X. */
struct hermes_use ask_use(const struct exchange *x);
/* An attempt that is not used any more: it ends, wherever it is, and its key is free. NULL is fine. */
void ask_give(struct attempt *attempt);

#endif
