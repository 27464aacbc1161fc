/* What lies in etcd, closed: XChaCha20-Poly1305 under the fleet's key. It is bound to its own place there, so that it
 * can be neither read nor altered, nor moved to another place. */
#ifndef HERMES_FLEET_SEAL_H
#define HERMES_FLEET_SEAL_H

#include "fleet_key.h"
#include "must_check.h"
#include "text.h"

/* "hwf1", a nonce of 24 bytes, the text, and 16 bytes that prove it. PLACE: the key in etcd. */
struct text fleet_seal(struct arena *arena, const struct fleet_key *key, const char *place, const char *bytes,
                       size_t len);
/* False: it is not what some machine of this fleet sealed for this place. RET ends with a NUL that does not count. */
bool fleet_seal_open(struct arena *arena, const struct fleet_key *key, const char *place, const char *sealed,
                     size_t len, struct text *ret) MUST_CHECK;

#endif
