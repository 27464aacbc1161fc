/* Bodies that come in an encoding of HTTP. */
#ifndef HERMES_DECODE_H
#define HERMES_DECODE_H

#include <stddef.h>

#include "must_check.h"

struct bytes;

/* LEN bytes of BODY in ENCODING (gzip, deflate, br, zstd, identity, in any case) to RESULT, at most LIMIT of them. 0,
 * -ENOTSUP (another encoding, or several), -EINVAL (it is none), -E2BIG or -ENOMEM. */
int decode(const char *encoding, const char *body, size_t len, size_t limit, struct bytes *result) MUST_CHECK;

#endif
