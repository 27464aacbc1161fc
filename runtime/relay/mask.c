#include "mask.h"

#include <string.h>

static size_t unfinished(const char *bytes, size_t len, const char *key, size_t key_len)
{
    size_t longest = len < key_len - 1 ? len : key_len - 1;
    const char *end = bytes + len;
    for (const char *at = end - longest; at < end; at++) {
        at = memchr(at, key[0], (size_t)(end - at));
        if (at == NULL)
            return 0;
        if (memcmp(at, key, (size_t)(end - at)) == 0)
            return (size_t)(end - at);
    }
    return 0;
}

size_t mask_key(char *bytes, size_t len, const char *key, size_t key_len)
{
    if (len == 0 || key_len < MASK_SHORTEST)
        return 0;
    char *end = bytes + len;
    for (char *at = bytes; (at = memmem(at, (size_t)(end - at), key, key_len)) != NULL; at += key_len)
        memset(at, '*', key_len);
    return unfinished(bytes, len, key, key_len);
}
