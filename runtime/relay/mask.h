/* Keeps a provider's key out of what goes to the client: an upstream that echoes it back gets it masked, byte for byte
 * ('*'), so that no length changes. */
#ifndef HERMES_MASK_H
#define HERMES_MASK_H

#include <stddef.h>

/* Shorter "keys" are words that local servers ask for (`ollama`, `none`): masking those would harm answers. */
enum { MASK_SHORTEST = 8 };

/* Masks each whole KEY in BYTES. Returns how many bytes at the end could be the beginning of a key that is not all
 * there yet: they must wait for what comes after them. */
size_t mask_key(char *bytes, size_t len, const char *key, size_t key_len);

#endif
