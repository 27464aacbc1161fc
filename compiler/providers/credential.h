/* A key as a compile found it. */
#ifndef HERMES_CREDENTIAL_H
#define HERMES_CREDENTIAL_H

#include "fingerprint.h"
#include "origin.h"

enum credential_rank {
    RANK_CONFIG, /* written in config.yaml: stands before everything */
    RANK_ENV,    /* a variable of an env file: stands where Hermes puts that variable */
    RANK_POOL,   /* a manual entry of auth.json, which Hermes owns */
    RANK_TASK,   /* of a fallback or a side task: never in the pool */
    RANK_NONE,   /* the server needs no key: the secret is "" */
};

struct credential {
    struct credential_id id;
    struct fingerprint fingerprint;
    enum credential_rank rank : 8;
    bool fresh;          /* the snapshot in force does not have it: it came with this compile */
    uint32_t pool_place; /* of the first manual entry in the pool's view that has this key, from 1 on; 0: none has */
    uint32_t origin_count;
    struct origin *origins; /* the first one decided the rank */
    const char *secret;     /* NUL-terminated: a key with a NUL in it is refused; "": none is sent */
    const char *base_url;   /* the only one that it may be sent to; NULL: its provider's */
    const char *label;
};

/* config.yaml has the key itself, and not only the name of a variable. */
bool credential_written_out(const struct credential *credential);
/* It is the word that Hermes sends where there is no key: no key stands behind it. */
bool credential_stands_for_none(const struct credential *credential);

struct shadowed {
    struct fingerprint fingerprint;
    const char *secret; /* NUL-terminated */
    struct origin origin;
    bool outvoted; /* the same name stands in a file that wins, and the key differs */
    const struct credential *by;
};

#endif
