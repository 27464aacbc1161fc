/* Who serves Hermes's side tasks (titles, compression, vision): their clients are made once and keep their key until
 * the process ends. */
#ifndef HERMES_SIDE_TASK_H
#define HERMES_SIDE_TASK_H

#include "custom_provider.h"
#include "provider.h"

/* Whether a side task asks the custom provider ID: `auxiliary` names it, or it is the default one, asked otherwise. */
bool side_task_asks(const struct node *config, const struct custom_providers *customs,
                    const struct providers *providers, const char *id);

#endif
