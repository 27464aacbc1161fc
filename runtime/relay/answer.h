/* What a client gets in the end: a provider's answer, or why there is none. */
#ifndef HERMES_ANSWER_H
#define HERMES_ANSWER_H

struct attempt;
struct exchange;

/* ATTEMPT's answer, as it comes; of a list of models, with those of the other providers. */
void answer_with(struct exchange *x, struct attempt *attempt);
/* More of it has come, or the clock has moved on. */
void answer_more(struct exchange *x, struct attempt *attempt, long long now_us);
/* What is answered tells when a key is good again, where a provider named a time. */
void answer_when(struct exchange *x);

/* The provider sent none, or only a part of it. */
void answer_failure(struct exchange *x, struct attempt *attempt);
/* Nobody is left to be asked, and nobody has been: ERROR is ask_first's. */
void answer_unasked(struct exchange *x, int error);
/* The body cannot be read: ERROR is body_look's. */
void answer_unreadable(struct exchange *x, int error);
/* The request is in another dialect than PROVIDER's. */
void answer_dialect(struct exchange *x, int status, const char *provider);

#endif
