/* What Hermes seeds its pool with from a variable: not always what a provider's key is made of. */
#ifndef HERMES_ENV_SEED_H
#define HERMES_ENV_SEED_H

#include "dotenv.h"
#include "resolve.h"

/* The seed `env:VARIABLE`. Hermes reads .env at each load of a pool, with its second env reader, and only then its
 * process's environment, which has what managed files and the root of config.yaml set when the process was started.
 * It knows nothing of hermes_watch.env_files, nor of a fleet. */
struct seed env_seed(struct arena *arena, const struct resolve_input *input, const char *variable);

#endif
