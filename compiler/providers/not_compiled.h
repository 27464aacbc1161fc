/* What Hermes has beside the snapshot: logins that it refreshes itself, and sources of secrets. */
#ifndef HERMES_NOT_COMPILED_H
#define HERMES_NOT_COMPILED_H

#include "draft.h"

void not_compiled_say(struct resolver *r);

#endif
