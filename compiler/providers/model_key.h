/* The key of `model`: its api_key, what key_env names; and which provider they are for. */
#ifndef HERMES_MODEL_KEY_H
#define HERMES_MODEL_KEY_H

#include "draft.h"

/* The default provider; NULL: `model` names nobody. */
const char *model_key_add(struct resolver *r);
/* Who is asked then; NULL: there is nobody. */
const char *model_key_automatic_provider(const struct resolver *r);

#endif
