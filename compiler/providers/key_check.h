/* Whether a text can serve as a key: Hermes's has_usable_secret, and what will fail anyway. */
#ifndef HERMES_KEY_CHECK_H
#define HERMES_KEY_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* NULL when usable; else why not, as the end of a sentence: "is a placeholder", "is a URL", "refers to a secret
 * manager", ... */
const char *key_check_unusable(const char *text, size_t len);

/* `op://vault/item`, `ENC[...]`, `vault:path`: what a secret manager puts a value in the place of. */
bool key_check_is_secret_reference(const char *text, size_t len);
/* It has a `${` without a `}` behind it: no provider's key has one. */
bool key_check_is_unclosed(const char *text, size_t len);

/* What makes a provider refuse a key although Hermes sends it: WHY ("contains a space", ...; NULL: nothing), and what
 * to do about it. */
struct key_doubt {
    const char *why;
    const char *help;
};
struct key_doubt key_check_suspicious(const char *text, size_t len);

#endif
