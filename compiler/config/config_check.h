/* Holds a config.yaml against the schema: types, choices, keys that moved, keys that were misspelt. */
#ifndef HERMES_CONFIG_CHECK_H
#define HERMES_CONFIG_CHECK_H

#include "node.h"

/* ROOT: the file's map. Unknown keys are hints, never more. Pure. */
void config_check(const struct node *root, struct diagnostics *diagnostics);

#endif
