#include "etcd_bytes.h"

#include <stdlib.h>
#include <string.h>

bool etcd_bytes_add(struct etcd_bytes *bytes, const char *more, size_t len)
{
    if (len > bytes->most - bytes->len)
        return false;
    if (bytes->len + len + 1 > bytes->capacity) {
        size_t capacity = 2 * (bytes->len + len + 1);
        char *grown = realloc(bytes->at, capacity);
        if (grown == NULL)
            return false;
        bytes->at = grown;
        bytes->capacity = capacity;
    }
    memcpy(bytes->at + bytes->len, more, len);
    bytes->len += len;
    bytes->at[bytes->len] = '\0';
    return true;
}

void etcd_bytes_take(struct etcd_bytes *bytes, size_t len)
{
    bytes->len -= len;
    memmove(bytes->at, bytes->at + len, bytes->len + 1);
}

void etcd_bytes_finish(struct etcd_bytes *bytes)
{
    free(bytes->at);
    bytes->at = NULL;
    bytes->len = bytes->capacity = 0;
}
