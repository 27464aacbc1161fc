/* What comes from etcd, piece by piece, up to a ceiling.
 *
 *     struct etcd_bytes bytes = {.most = ETCD_ANSWER_MOST};
 *     if (!etcd_bytes_add(&bytes, data, len)) ...too many, or no memory: as before...
 *     etcd_bytes_finish(&bytes);                        empty, and to be used again
 */
#ifndef HERMES_ETCD_BYTES_H
#define HERMES_ETCD_BYTES_H

#include <stdbool.h>
#include <stddef.h>

#include "must_check.h"

struct etcd_bytes {
    char *at; /* a NUL follows; NULL: none yet */
    size_t len;
    size_t capacity;
    size_t most;
};

bool etcd_bytes_add(struct etcd_bytes *bytes, const char *more, size_t len) MUST_CHECK;
/* Removes the first LEN. */
void etcd_bytes_take(struct etcd_bytes *bytes, size_t len);
void etcd_bytes_finish(struct etcd_bytes *bytes);

#endif
