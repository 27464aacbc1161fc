/* --withdraw: for whoever leaves. What stays in auth.json is Hermes's own. */
#ifndef HERMES_WITHDRAW_H
#define HERMES_WITHDRAW_H

#include "must_check.h"
#include "text.h"
#include "diagnostic.h"

/* Takes our entries out of the pool of a home that nobody watches. False after a diagnostic. */
bool withdraw_home(struct arena *arena, const char *home, int lock_wait_ms, struct text *lines,
                   struct diagnostics *diagnostics) MUST_CHECK;

#endif
