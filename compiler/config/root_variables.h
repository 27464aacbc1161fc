/* Root scalars of config.yaml are variables of the gateway: it hands them to its environment where the name is free. */
#ifndef HERMES_ROOT_VARIABLES_H
#define HERMES_ROOT_VARIABLES_H

#include "environment.h"
#include "node.h"

/* What the gateway's environment has of NODE, Python's str() of it; NULL when it is no scalar. */
const char *root_variables_text(const struct node *node);
/* Adds those of CONFIG that are called like a variable. A root key that is no text is warned about: Hermes stops at it.
 * Pure. */
void root_variables(struct arena *arena, const struct node *config, struct environment *environment,
                    struct diagnostics *diagnostics);

#endif
