/* The relay's own token: what a client sends as its API key. `compiled/relay.token`, 0600, made at the first start or
 * `--print-env`. */
#ifndef HERMES_TOKEN_H
#define HERMES_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "must_check.h"

enum { TOKEN_SIZE = 3 + 64 + 1 };

struct relay_token {
    char text[TOKEN_SIZE]; /* "hr-" and 64 hex digits */
    char cookie[64 + 1];   /* what a browser that showed the token gets; it opens the status page only */
};

/* Reads HOME's token, or makes it; *RET_DAMAGED: what was there was no token, so clients need the new one. 0 or a
 * negative errno; -EPERM: others may read it. */
int token_open(const char *home, struct relay_token *ret, bool *ret_damaged) MUST_CHECK;
/* Another user listened where clients send the token: it is replaced as soon as that is this relay again, and no
 * sooner, for clients would send the new one there, too. 0 or a negative errno. */
int token_distrust(const char *home) MUST_CHECK;
/* This relay listens now. *RET_NEW: TOKEN had been distrusted, and is another one; clients need it. 0 or a negative
 * errno. */
int token_settle(const char *home, struct relay_token *token, bool *ret_new) MUST_CHECK;
/* In constant time. TEXT may be NULL. */
bool token_is(const char *wanted, const char *text, size_t len);

#endif
