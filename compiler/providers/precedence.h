/* Which keys go out by this program that Hermes by itself would not send, or not first: that is said. Pure. */
#ifndef HERMES_PRECEDENCE_H
#define HERMES_PRECEDENCE_H

#include "draft.h"

/* PROVIDER's keys in the order in which they go out. */
void precedence_check(struct resolver *resolver, const struct provider *provider);

#endif
