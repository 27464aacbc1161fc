/* The last place where Hermes looks for a key: a variable that is called like the host of an endpoint. */
#ifndef HERMES_HOST_KEY_H
#define HERMES_HOST_KEY_H

#include "draft.h"

/* Gives DRAFT the key of its host: OPENAI_API_KEY to openai.com, and EXAMPLE_API_KEY to https://llm.example.com. It
 * stays out of the pool: Hermes reads it by itself. */
void host_key_add(struct resolver *resolver, struct draft *draft);
/* To each custom provider that has no key so far. */
void host_keys_add(struct resolver *resolver);

#endif
