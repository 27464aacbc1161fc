/* What the fleet knows of keys, as far as this home has heard, and compiled/fleet-cooldowns.json, which says so to the
 * next compile. */
#ifndef HERMES_FOLLOW_KNOWN_H
#define HERMES_FOLLOW_KNOWN_H

#include "cooldown.h"
#include "fleet.h"
#include "follow_home.h"

/* Leases are whole seconds, and take a moment on their way. */
#define FOLLOW_KNOWN_SLACK_S 2.0

struct known_cooldown {
    char name[FLEET_NAME_SIZE]; /* in etcd */
    char provider[257];
    char fingerprint[FINGERPRINT_SIZE];
    long long mod_revision;
    double until; /* by this machine's clock; a dead key's: when its lease ends */
    bool dead;
    int status;
    bool seen; /* in a look at all */
    bool gone; /* from etcd: until a reset comes, or its time is over, what this home has of it is still no news */
};

struct follow_known {
    const struct fleet_key *key;
    struct known_cooldown *items;
    size_t count;
    bool changed; /* since the file was written */
};

/* From the file of HOME: what the fleet knows no more by now was reset meanwhile. */
void follow_known_open(struct follow_known *known, const struct fleet_key *key, const char *home);
void follow_known_close(struct follow_known *known);

/* NAME: in etcd. NULL: not known. */
struct known_cooldown *follow_known_find(const struct follow_known *known, const char *name) MUST_CHECK;
/* The same, or an empty one; NULL: no memory. */
struct known_cooldown *follow_known_add(struct follow_known *known, const char *name) MUST_CHECK;
void follow_known_remember(struct follow_known *known, struct arena *arena, const struct cooldown *cooldown);
void follow_known_forget(struct follow_known *known, struct known_cooldown *item);
/* What changed since goes to the file, as far as HOME has the keys. */
void follow_known_write(struct follow_known *known, struct arena *arena, struct follow_home *home);

#endif
