/* A provider with its keys: what resolve hands to emit, plan and project. */
#ifndef HERMES_PROVIDER_H
#define HERMES_PROVIDER_H

#include "credential.h"
#include "near_name.h"
#include "node.h"
#include "provider_table.h"
#include "strategy.h"

struct provider {
    const char *id;                 /* canonical, or "custom:<normalised name>", or "custom" */
    const struct provider_row *row; /* NULL for custom ones */
    const char *name;               /* custom: the name as written */
    const char *alias;              /* by which it may also be called: its key in `providers`, normalised; or NULL */
    const char *base_url;           /* "" when there is none */
    struct origin url;              /* where that stands; key NULL: in the table */
    const char *seeded_url;         /* what Hermes puts into entries of its variables instead; NULL: base_url */
    enum strategy strategy;
    const struct node *headers[2]; /* maps of further HTTP headers, a later one over an earlier one; may be NULL */
    const char *auth;              /* how the key travels: bearer, x-api-key, ... */
    const char *ca_file;           /* certificates to trust for it instead of the usual ones; NULL: those */
    bool unverified;               /* no certificate of it is checked */
    /* Which entry of the pool Hermes seeds itself, and with which key: `env:VAR`, `config:NAME`, `model_config`. */
    struct seed {
        const char *kind; /* with its colon */
        const char *name;
        const char *secret; /* what the sources say the key is now; NULL: the source key is gone */
        bool each_load;     /* every Hermes finds that key at its next load; else only one that starts from now on */
        bool misread;       /* it is what Hermes's second env reader makes of a value, and no key */
        bool each_process;  /* not each_load, and yet all that run find it: they were started since */
    } * seeds;
    struct credential *credentials; /* the order in which they go out */
    struct shadowed *shadowed;
    const struct credential *stand_in; /* an entry that hides what the root's pool has for another URL; or NULL */
    uint32_t seed_count;
    uint32_t credential_count;
    uint32_t shadowed_count;
    bool inherits; /* a profile's: Hermes reads its pool from the root's auth.json, as long as its own has no entry */
    bool url_is_explicit; /* a source names the URL, so nothing may guess another */
    bool awaited;         /* Hermes gets its key while it runs, from a source of secrets or a command */
    bool projected;       /* false: Hermes reads this one's key by itself, or it is an OAuth provider */
    const char *left_out; /* where no entry of the pool may be added for it, as messages go on; NULL: it may */
};

/* Who is asked when the default provider cannot answer. */
struct fallback {
    const char *provider; /* an id */
    const char *model;
};

/* A name for a model of a provider, of model_aliases or model.aliases. */
struct model_alias {
    const char *name;
    const char *provider; /* an id, or what the file says */
    const char *model;
};

struct providers {
    struct provider **items; /* sorted by id */
    size_t count;
    const char *default_id; /* NULL: Hermes would find none */
    struct fallback *fallbacks;
    size_t fallback_count;
    struct model_alias *aliases;
    size_t alias_count;
};

/* Whether an entry of this SOURCE is that seed. */
bool provider_seed_is(const struct seed *seed, const char *source);
/* Where requests with that key of the provider go. */
const char *provider_credential_url(const struct provider *provider, const struct credential *credential);
/* NULL when there is none of that id. */
const struct provider *providers_get(const struct providers *providers, const char *id);
/* By id, alias, or the name of a custom provider, as people write it; NULL when there is none. */
const struct provider *provider_named(const struct providers *providers, const char *name);
/* Each name that may be shown as what was meant. */
void providers_consider(const struct providers *providers, struct near_name *near);

#endif
