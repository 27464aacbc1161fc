/* The key of a fleet: one file that all of its machines have, and etcd does not. It seals what lies in etcd, and names
 * what may not be named there.
 *
 * The file holds one line, `hermes-fleet-key 1 ` and 64 hex digits: 32 random bytes, from which two keys are derived
 * (libsodium's crypto_kdf). */
#ifndef HERMES_FLEET_KEY_H
#define HERMES_FLEET_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "must_check.h"

struct arena;

enum { FLEET_KEY_BYTES = 32, FLEET_NAME_SIZE = 32 + 1 };

struct fleet_key {
    unsigned char seal[FLEET_KEY_BYTES];
    unsigned char name[FLEET_KEY_BYTES];
};

/* NULL, with *RET_TROUBLE, a sentence's end ("may be read by others (mode 0644)"), where PATH holds no key, or not one
 * for its owner alone. The key lies in the arena. */
const struct fleet_key *fleet_key_read(struct arena *arena, const char *path, const char **ret_trouble);
/* Makes the file, and its folder; never over one that is there: -EEXIST. Else 0 or a negative errno. */
int fleet_key_make(struct arena *arena, const char *path) MUST_CHECK;

/* A keyed hash of TEXT in hex: the same on all machines of the fleet, and nothing that could be looked up. */
void fleet_key_name(const struct fleet_key *key, const char *text, char ret[FLEET_NAME_SIZE]);

#endif
