/* What the relay answers by itself: /, /status, /events, /metrics, /healthz, /requests/<id>. */
#ifndef HERMES_PAGES_H
#define HERMES_PAGES_H

#include <stdbool.h>

#include "guard.h"
#include "must_check.h"

struct exchange;

/* Whether TARGET is one of them, and who may see it; WANTS_PAGE: in a browser. */
bool pages_know(const char *target, bool wants_page, enum guarded *ret) MUST_CHECK;
void pages_answer(struct exchange *x);
/* A stream of the status: adds what is new to x->local. */
void pages_stream(struct exchange *x, long long now_us);

#endif
