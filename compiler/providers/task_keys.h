/* Keys that belong to a task rather than to the main model: fallbacks, auxiliary models, sub-agents. */
#ifndef HERMES_TASK_KEYS_H
#define HERMES_TASK_KEYS_H

#include "draft.h"

/* Adds them to the providers that they are for, behind every other key. MAIN: the main model's provider, or NULL. */
void task_keys_add(struct resolver *r, struct draft *main_provider);

#endif
