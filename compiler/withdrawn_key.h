/* `hermes model` and `/model --global` delete model.api_key from config.yaml: a person should notice. */
#ifndef HERMES_WITHDRAWN_KEY_H
#define HERMES_WITHDRAWN_KEY_H

#include "diagnostic.h"
#include "hermes_runtime.h"
#include "node.h"
#include "provider.h"

/* PREVIOUS: the snapshot in force. SOURCE: the user's config.yaml, CONFIG what is in it; either may be NULL. */
void withdrawn_key_check(const struct hermes_view *previous, const struct source *source, const struct node *config,
                         const struct providers *providers, struct diagnostics *diagnostics);

#endif
