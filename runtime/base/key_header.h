/* How a key travels to its provider: the one place that knows. */
#ifndef HERMES_KEY_HEADER_H
#define HERMES_KEY_HEADER_H

#include <stdbool.h>

#define ANTHROPIC_VERSION "2023-06-01" /* what Anthropic wants every request to name */

struct key_header {
    const char *name;
    const char *scheme; /* stands before the key: "Bearer ", or "" */
    const char *beta;   /* a value of `anthropic-beta` without which the key is not taken; NULL: none */
};

/* AUTH: as a snapshot says it, "bearer", "x-api-key" or "x-goog-api-key". */
struct key_header key_header(const char *auth, const char *secret);
/* Whether SECRET is the token of a login to Anthropic rather than a key. */
bool key_header_is_anthropic_login(const char *secret);

#endif
