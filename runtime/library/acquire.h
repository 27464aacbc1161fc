/* How long a judgement keeps a key out, and who is good again first. */
#ifndef HERMES_ACQUIRE_H
#define HERMES_ACQUIRE_H

#include "hermes_runtime.h"

/* Seconds since the epoch. Where the provider named no time, hermes_watch.cooldown_<status> of the attempt's view may;
 * and a provider's only key rests for a minute at most after a limit or a refusal, as in Hermes. */
double acquire_until(struct hermes *hermes, const struct hermes_attempt *attempt,
                     const struct hermes_judgement *judgement, double now);

/* The state of the key of PROVIDER (as in hermes_acquire) that is good for USE first: `until` is 0 when it is now,
 * INFINITY when none ever is. */
struct hermes_key_state acquire_earliest(struct hermes *hermes, const char *provider, const struct hermes_use *use);

#endif
