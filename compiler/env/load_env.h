/* Hermes's second reader of env files (its load_env): where it reads another value than the gateway's start does, a
 * user should know before `/reload` tells. */
#ifndef HERMES_LOAD_ENV_H
#define HERMES_LOAD_ENV_H

#include "env_text.h"
#include "environment.h"

/* Warns about each variable of ENV, as dotenv_load has read it into ENVIRONMENT, that load_env reads otherwise, or that
 * it alone reads, and notes its value in `seeded`. Pure. */
void load_env_compare(const struct env_text *env, struct environment *environment, struct diagnostics *diagnostics);

#endif
