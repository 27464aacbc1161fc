/* The keys of a custom provider: its api_key, what key_env names, a command that gives one; and its URL and headers. */
#ifndef HERMES_CUSTOM_KEYS_H
#define HERMES_CUSTOM_KEYS_H

#include "draft.h"

void custom_keys_add(struct resolver *r, const struct custom_provider *custom);

#endif
