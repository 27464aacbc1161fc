/* Lines of the home's own env files that the fleet outvotes: the old key on one machine of many. */
#ifndef HERMES_FLEET_SHADOW_H
#define HERMES_FLEET_SHADOW_H

#include "environment.h"
#include "provider.h"

/* A warning at each such line whose value differs; of a provider's key it has been said already. Pure. */
void fleet_shadow_check(const struct environment *environment, const struct providers *providers,
                        struct diagnostics *diagnostics);

#endif
