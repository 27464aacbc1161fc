/* Who serves Hermes's side tasks (titles, compression, vision): their clients are made once and keep their key until
 * the process ends. */
#ifndef HERMES_SIDE_TASK_H
#define HERMES_SIDE_TASK_H

#include "custom_provider.h"
#include "provider.h"

/* The id of the provider whose older keys clients of side tasks keep, which NAME is or has its first key from: a custom
 * one, or a variable's. `auxiliary` names it; or it is a custom one and the default, asked otherwise. NULL: there is
 * none. */
const char *side_task_keeps(const struct node *config, const struct custom_providers *customs,
                            const struct providers *providers, const char *name);

#endif
