/* That a key is exhausted or dead, as one machine tells it to the others: sealed, at `cooldowns/<keyed hash>`, under a
 * lease that ends when it does. */
#ifndef HERMES_FLEET_COOLDOWN_H
#define HERMES_FLEET_COOLDOWN_H

#include "fleet_key.h"
#include "must_check.h"
#include "text.h"

#include <stdbool.h>

enum { FLEET_DEAD_S = 31 * 86400 }; /* a dead key is told for so long: another machine then finds out again */

struct fleet_cooldown {
    const char *provider;
    const char *fingerprint;
    bool dead;
    int status;        /* of HTTP; 0: not known */
    const char *rule;  /* that decided, "" */
    long long seconds; /* from the telling on: machines' clocks differ */
    const char *host;  /* whose observation it is */
};

struct text fleet_cooldown_text(struct arena *arena, const struct fleet_cooldown *cooldown);
bool fleet_cooldown_parse(struct arena *arena, const char *text, size_t len, struct fleet_cooldown *ret) MUST_CHECK;

/* The last part of its place in etcd. */
void fleet_cooldown_name(struct arena *arena, const struct fleet_key *key, const char *provider,
                         const char *fingerprint, char ret[FLEET_NAME_SIZE]);

#endif
