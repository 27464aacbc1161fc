/* auth.json as spans of its text. */
#ifndef HERMES_POOL_DOCUMENT_H
#define HERMES_POOL_DOCUMENT_H

#include "must_check.h"
#include "pool_entry.h"

struct pool_document {
    const char *text; /* NULL: there is no file */
    size_t len;
    const struct json *root;
    const struct json *pool; /* credential_pool, or NULL */
    bool unreadable;
};

struct pool_document pool_document_open(struct arena *arena, struct source *source, struct diagnostics *diagnostics);

/* Indexes of PROVIDER's ENTRIES in the order in which Hermes takes them: by priority, equal ones as they stand. */
size_t *pool_document_sorted(struct arena *arena, const char *provider, const struct entry *entries,
                             size_t count) MUST_CHECK;

#endif
