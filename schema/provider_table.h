/* The providers that Hermes knows by itself: one row each, in Hermes's own order, which is also the order in which it
 * looks for a key when no provider is configured. Source: the registry of Hermes 0.18.2, with the ids
 * that only older versions know left out. */
#ifndef HERMES_PROVIDER_TABLE_H
#define HERMES_PROVIDER_TABLE_H

#include <stddef.h>

#include "near_name.h"

/* Of an id or a name with its NUL, `custom:` included: longer ones are refused when a configuration is compiled. */
enum { PROVIDER_NAME_SIZE = 96 };

enum provider_auth {
    PROVIDER_API_KEY,  /* a key in a variable */
    PROVIDER_OAUTH,    /* a login that Hermes refreshes: never touched here */
    PROVIDER_EXTERNAL, /* another program or a cloud SDK holds the credentials */
    PROVIDER_CUSTOM,   /* the row `custom`: whatever base URL the configuration names */
};

struct provider_row {
    const char *id;
    const char *name;
    enum provider_auth auth;
    const char *base_url;     /* "" when there is none */
    const char *base_url_env; /* NULL when there is none */
    const char *key_envs[4];  /* in the order Hermes tries them; NULL-terminated */
    const char *aliases[7];   /* NULL-terminated */
    const char *header;       /* how the key travels: "bearer", "x-api-key", "x-goog-api-key" */
    /* Behind the base URL: the cheapest request that nothing but a key opens. NULL: there is none, the list of models
     * is everybody's, or no key of a file belongs to it. */
    const char *probe;
};

extern const struct provider_row provider_table[];
extern const size_t provider_table_count;

/* The row of an id or alias, trimmed and in any case; NULL for a name Hermes does not know. */
const struct provider_row *provider_table_find(const char *name);

/* Each id and alias as what was meant. */
void provider_table_consider(struct near_name *near);

/* `My LLM` -> `my-llm`, as Hermes normalises the names of custom providers: stripped, lower case, each blank a '-'.
 * Writes at most SIZE bytes; returns the length it needs. */
size_t provider_table_normalise(const char *name, char *result, size_t size);

#endif
