/* Bodies that come in an encoding of HTTP. */
#ifndef HERMES_DECODE_H
#define HERMES_DECODE_H

#include <stddef.h>

#include "must_check.h"

struct bytes;

/* LEN bytes of BODY in ENCODINGS (of gzip, deflate, br, zstd and identity up to three, the last one outermost) to
 * RESULT, which is empty, at most LIMIT of them. 0, -ENOTSUP (another encoding), -EINVAL (it is none), -E2BIG or
 * -ENOMEM. */
int decode(const char *encodings, const char *body, size_t len, size_t limit, struct bytes *result) MUST_CHECK;

#endif
