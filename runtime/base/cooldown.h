/* The memory of exhausted keys, `compiled/cooldowns.json`: an observation, kept under (provider, fingerprint), so that
 * a new key starts clean and an old one that comes back is still known to be exhausted.
 *
 * One object: {"format": 1, "cooldowns": {"<provider>": {"sha256:<16 hex>": {"status": "exhausted", "until":
 * 1795478458.25, "pooled": true, "raw": ["\"exhausted\"", "1795474858.25", "429", ...]}}}}. `raw` has the members of
 * enum cooldown_member as the JSON texts that Hermes wrote: a number must not pass through a double on its way back
 * into the pool.
 *
 * It also has lists of names, for what the pool itself does not say (enum cooldowns_list). */
#ifndef HERMES_COOLDOWN_H
#define HERMES_COOLDOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "fingerprint.h"
#include "name_set.h"
#include "name_table.h"

struct arena;
struct text;

/* The members of a pool entry that say how its key was last answered, in Hermes's order. */
enum cooldown_member {
    COOLDOWN_STATUS,
    COOLDOWN_STATUS_AT,
    COOLDOWN_ERROR_CODE,
    COOLDOWN_ERROR_REASON,
    COOLDOWN_ERROR_MESSAGE,
    COOLDOWN_RESET_AT,
    COOLDOWN_MEMBERS
};
extern const char *const cooldown_members[COOLDOWN_MEMBERS];

enum cooldowns_list {
    /* --- What nothing else can tell, as the cooldowns --- */

    /* Providers whose list in the pool was empty before an entry of ours came ("": there was no `credential_pool` at
     * all), so that taking the keys away leaves the text that was there. */
    COOLDOWNS_EMPTY,
    /* "<provider> <source>": entries in Hermes's own form that this program wrote before Hermes did. */
    COOLDOWNS_MADE,
    /* "<provider> <fingerprint>": keys whose entry of ours a person took out of the pool. */
    COOLDOWNS_REMOVED,
    /* "<provider> <fingerprint> <seconds since the epoch>": what the fleet said of keys, and the pool was told. */
    COOLDOWNS_LEARNED,

    /* --- What each compile writes anew --- */

    /* "<provider> <fingerprint>": keys that have an entry of ours. */
    COOLDOWNS_PLACED,
    /* "<provider> <digest>": the entries of others as they stood beside ours, and " <inode>.<time>" of the auth.json
     * into which these were written. */
    COOLDOWNS_BESIDE,
    /* "<provider> <fingerprint> <seconds since the epoch>": keys that took another one's place lately. */
    COOLDOWNS_ROTATED,
    COOLDOWNS_LISTS
};

struct cooldown {
    const char *provider;
    struct fingerprint fingerprint;
    bool dead;
    bool pooled;  /* an entry of the pool held the key when this was noted: if it does so no more, somebody reset it */
    double until; /* seconds since the epoch; INFINITY for a dead key */
    const char *pair;                  /* the memory's own: its name in the index */
    const char *raw[COOLDOWN_MEMBERS]; /* JSON texts: "\"exhausted\"", "1795478458.2534587", "429", ... */
};

struct cooldowns {
    struct arena *arena;
    struct cooldown *items;
    size_t count;
    size_t capacity;
    struct name_table index; /* of the items, by provider and fingerprint */
    struct text *pair;       /* that is looked for */
    struct name_set lists[COOLDOWNS_LISTS];
};

/* Reads the memory from text (NULL: empty). Entries whose time is over are dropped. False: it is not as it was written,
 * and what could not be understood is left out; it is only a memory. */
bool cooldowns_parse(struct cooldowns *cooldowns, const char *text, size_t len, double now);
/* The file's text, sorted by provider and fingerprint. */
const char *cooldowns_text(const struct cooldowns *cooldowns, size_t *ret_len);
/* How that text begins: with what nothing else can tell, and must be on the disk before the pool is. */
const char *cooldowns_lasting(const struct cooldowns *cooldowns, size_t *ret_len);

const struct cooldown *cooldowns_get(const struct cooldowns *cooldowns, const char *provider, const char *fingerprint);
/* Replaces what is known of that key. */
void cooldowns_put(struct cooldowns *cooldowns, const struct cooldown *cooldown);
void cooldowns_forget(struct cooldowns *cooldowns, const char *provider, const char *fingerprint);

/* It has nothing at all. */
bool cooldowns_know_nothing(const struct cooldowns *cooldowns);
bool cooldowns_listed(const struct cooldowns *cooldowns, enum cooldowns_list list, const char *name);
/* NAME is the caller's, and lasts. */
void cooldowns_list(struct cooldowns *cooldowns, enum cooldowns_list list, const char *name, bool listed);

#endif
