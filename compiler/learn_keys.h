/* What the sources call a key, for plain_name(): before anything in them is named in a diagnostic. */
#ifndef HERMES_LEARN_KEYS_H
#define HERMES_LEARN_KEYS_H

#include "environment.h"
#include "node.h"

/* CONFIG may be NULL. */
void learn_keys_of_config(const struct node *config);
void learn_keys_of_environment(const struct environment *environment);

#endif
