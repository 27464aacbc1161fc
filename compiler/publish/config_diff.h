/* Which leaves of the configuration and which variables differ between two snapshots' contents. */
#ifndef HERMES_CONFIG_DIFF_H
#define HERMES_CONFIG_DIFF_H

#include "plan.h"

/* Adds a change per leaf and per variable to PLAN. OLD and NOW are the texts of two content values. Pure. */
void config_diff(struct plan *plan, const char *old, size_t old_len, const char *now, size_t now_len);

#endif
