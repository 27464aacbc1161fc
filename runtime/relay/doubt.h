/* Refusals of which a status or a message alone tells. Whether the key is to blame or the request shows when another
 * key is asked with the same request: what all keys answer alike is the request's fault, and nothing is booked. */
#ifndef HERMES_DOUBT_H
#define HERMES_DOUBT_H

#include <stdbool.h>

#include "must_check.h"

struct attempt;
struct exchange;
struct hermes_judgement;

/* JUDGEMENT of ATTEMPT's key waits. False: no memory, and it is to be booked at once. */
bool doubt_add(struct exchange *x, const struct attempt *attempt, const struct hermes_judgement *judgement) MUST_CHECK;
/* Another answer has come for the same request, or none will: what waits is booked. */
void doubt_book(struct exchange *x);
/* No other key of the provider is asked: what was answered alike by two keys or more is forgotten, all else booked. */
void doubt_end(struct exchange *x);

/* The client has left before it showed: nothing is booked. */
void doubt_forget(struct exchange *x);

#endif
