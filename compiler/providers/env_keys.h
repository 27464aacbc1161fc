/* The variables of the provider table, and those that credential_pool_sources lists. */
#ifndef HERMES_ENV_KEYS_H
#define HERMES_ENV_KEYS_H

#include "draft.h"

void env_keys_add(struct resolver *r);
void env_keys_add_listed(struct resolver *r);

#endif
