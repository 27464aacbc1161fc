/* A source: a text that somebody outside this project owns, as it was when it was read. */
#ifndef HERMES_SOURCE_H
#define HERMES_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>

#include "fingerprint.h"

enum source_kind {
    SOURCE_CONFIG,
    SOURCE_MANAGED_CONFIG,
    SOURCE_ENV,
    SOURCE_MANAGED_ENV,
    SOURCE_EXTRA_ENV,
    SOURCE_FLEET_ENV, /* of a fleet: it came by etcd (fleet_copy.h) */
    SOURCE_OP_ENV,    /* .op.env, which Hermes has for the token of 1Password: it fills in what .env does not set */
    SOURCE_POOL
};

struct source {
    enum source_kind kind;
    size_t order;      /* reading order; diagnostics are sorted by it */
    const char *path;  /* absolute */
    const char *label; /* as shown and as written in origins: relative to the home when it lies in it */
    bool present;      /* false: the file does not exist; bytes is "" then */
    const char *bytes; /* len bytes and a NUL, as they stand in the file */
    size_t len;
    struct digest digest; /* of a configuration's bytes, unless it is only checked; else empty */
    unsigned mode;        /* permission bits */
    unsigned group;
    struct stat moment;             /* present: of the very bytes */
    struct timespec read_at;        /* the clock before they were read */
    bool in_work_tree;              /* a file that was named, in a checkout: Git keeps no modes that one could mend */
    bool refused;                   /* it is there, but not for us to read; present is false then */
    struct pool_document *document; /* auth.json: what these bytes are as JSON, once somebody has looked */
};

/* Whether it is a configuration; the others are env files and auth.json. */
bool source_is_yaml(const struct source *source);
/* Whether it is an env file that Hermes reads when a process starts, and not again when it loads the pool. */
bool source_is_read_at_start(const struct source *source);
/* "config", "managed-config", "env", ... as the snapshot's sources say it. */
const char *source_kind_name(enum source_kind kind);

#endif
