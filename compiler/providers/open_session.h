/* Sessions that are open while .env is edited. At its next message, one of Hermes 0.20.1 or later that speaks OpenAI's
 * chat completions takes the variable of its provider whose line changed, or whose base-URL variable's did, whatever
 * config.yaml says: as long as it is at a URL that Hermes's own entry has, and not at one of config.yaml alone. */
#ifndef HERMES_OPEN_SESSION_H
#define HERMES_OPEN_SESSION_H

#include "environment.h"
#include "provider.h"

/* The variable that a session with the key CREDENTIAL of PROVIDER turns to, and that has another key; NULL: it stays
 * where it is. */
const char *open_session_turns_to(const struct provider *provider, const struct credential *credential,
                                  const struct environment *environment);

#endif
