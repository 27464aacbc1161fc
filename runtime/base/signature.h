/* Who holds the same key can tell that a message is ours, and whole. */
#ifndef HERMES_SIGNATURE_H
#define HERMES_SIGNATURE_H

#include <stddef.h>

/* "sha256=" and 64 hex digits: HMAC-SHA256, as webhooks have it. */
enum { SIGNATURE_SIZE = 7 + 64 + 1 };
struct signature {
    char text[SIGNATURE_SIZE];
};
struct signature signature_of(const char *key, size_t key_len, const char *message, size_t len);

#endif
