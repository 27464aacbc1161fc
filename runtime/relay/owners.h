/* Which key made what: files, batches, responses and conversations live in the account of one key, and no other knows
 * them.
 *
 * A table of a fixed size in compiled/relay.owners: of many ids, those that were used last. It holds digests, never an
 * id or a key, and outlives the relay; where it cannot be written, it lives as long as the relay does. */
#ifndef HERMES_OWNERS_H
#define HERMES_OWNERS_H

#include <stdbool.h>
#include <stddef.h>

#include "must_check.h"

enum { OWNER_SIZE = 24 }; /* of a fingerprint and its NUL */

struct owners;

/* NULL: no memory. */
struct owners *owners_open(const char *home) MUST_CHECK;
void owners_close(struct owners *owners);
/* Whether there is anything to be found. */
bool owners_any(const struct owners *owners);
/* The key with FINGERPRINT of PROVIDER made, or has, the LEN bytes of ID. */
void owners_note(struct owners *owners, const char *provider, const char *id, size_t len, const char *fingerprint);
/* False: not known. */
bool owners_find(struct owners *owners, const char *provider, const char *id, size_t len,
                 char ret[OWNER_SIZE]) MUST_CHECK;

#endif
