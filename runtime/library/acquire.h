/* How long a judgement keeps a key out. */
#ifndef HERMES_ACQUIRE_H
#define HERMES_ACQUIRE_H

#include "hermes_runtime.h"

/* Seconds since the epoch. Where the provider named no time, hermes_watch.cooldown_<status> of VIEW may. */
double acquire_until(const struct hermes_view *view, const struct hermes_judgement *judgement, double now);

#endif
