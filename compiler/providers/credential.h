/* What a compile found out about keys: the values that resolve hands to emit, plan and project. */
#ifndef HERMES_CREDENTIAL_H
#define HERMES_CREDENTIAL_H

#include "arena.h"
#include "diagnostic.h"
#include "fingerprint.h"
#include "near_name.h"
#include "node.h"
#include "provider_table.h"

/* Where a key stands. key: `model.api_key`, `custom_providers[0].api_key`, `XIAOMI_API_KEY`, or
 * `credential_pool.xiaomi.<entry id>` for an entry of auth.json (place.line is 0 there: its lines are Hermes's to
 * move). */
struct origin {
    struct place place;
    const char *key;
};

enum credential_rank {
    RANK_CONFIG, /* written in config.yaml: stands before everything */
    RANK_ENV,    /* a variable of an env file: stands where Hermes puts that variable */
    RANK_POOL,   /* a manual entry of auth.json, which Hermes owns */
    RANK_TASK,   /* of a fallback or a side task: behind everything, and never in the pool */
};

struct credential {
    struct credential_id id;
    struct fingerprint fingerprint;
    enum credential_rank rank : 8;
    uint32_t pool_place; /* of the first manual entry in the pool's view that has this key, from 1 on; 0: none has */
    uint32_t origin_count;
    struct origin *origins; /* the first one decided the rank */
    const char *secret;     /* NUL-terminated: a key with a NUL in it is refused */
    const char *label;
};

struct shadowed {
    struct fingerprint fingerprint;
    const char *secret; /* NUL-terminated */
    struct origin origin;
    bool outvoted; /* the same name stands in a file that wins, and the key differs */
    const struct credential *by;
};

struct provider {
    const char *id;                 /* canonical, or "custom:<normalised name>", or "custom" */
    const struct provider_row *row; /* NULL for custom ones */
    const char *name;               /* custom: the name as written */
    const char *base_url;           /* "" when there is none */
    const char *strategy;           /* fill_first, round_robin, least_used, random */
    const struct node *headers[2];  /* maps of further HTTP headers, a later one over an earlier one; may be NULL */
    const char *auth;               /* how the key travels: bearer, x-api-key, ... */
    /* Which entry of the pool Hermes seeds itself, and with which key: `env:VAR`, `config:NAME`, `model_config`. */
    struct seed {
        const char *kind; /* with its colon */
        const char *name;
        const char *secret; /* what the sources say the key is now; NULL: the source key is gone */
    } * seeds;
    struct credential *credentials; /* the order in which they go out */
    struct shadowed *shadowed;
    uint32_t seed_count;
    uint32_t credential_count;
    uint32_t shadowed_count;
    bool inherits; /* a profile's: Hermes reads its pool from the root's auth.json, as long as its own has no entry */
    bool url_is_explicit; /* a source names the URL, so nothing may guess another */
    bool projected;       /* false: Hermes reads this one's key by itself, or it is an OAuth provider */
};

struct providers {
    struct provider **items; /* sorted by id */
    size_t count;
    const char *default_id; /* NULL: Hermes would find none */
};

/* "config.yaml:4:12 model.api_key", for people. */
const char *origin_text(struct arena *arena, const struct origin *origin);
/* `"path":..., "line":..., "column":..., "key":...`, inside an object that is open. */
void origin_json(struct text *out, const struct origin *origin);
/* Whether an entry of this SOURCE is that seed. */
bool seed_is(const struct seed *seed, const char *source);
/* NULL when there is none of that id. */
const struct provider *providers_get(const struct providers *providers, const char *id);
/* By id, alias, or the name of a custom provider, as people write it; NULL when there is none. */
const struct provider *provider_named(const struct providers *providers, const char *name);
/* Each name that may be shown as what was meant. */
void providers_consider(const struct providers *providers, struct near_name *near);

#endif
