/* What a single task asks rather than the main model: fallbacks, side tasks, sub-agents, model aliases. One that has a
 * URL or a key of its own is a provider of its own, called by its place: nobody else's requests go there, and its key
 * goes nowhere else. */
#ifndef HERMES_TASK_PROVIDERS_H
#define HERMES_TASK_PROVIDERS_H

#include "draft.h"

/* Adds them, once every other provider has its URL and its keys, and lists the fallbacks in RET. MAIN: the main model's
 * provider, or NULL. */
void task_providers_add(struct resolver *r, struct draft *main_provider, struct providers *ret);

#endif
