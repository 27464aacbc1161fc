/* The providers that a user defines: `custom_providers[]` and `providers.*`, in the one shape that Hermes's gateway
 * makes of both. */
#ifndef HERMES_CUSTOM_PROVIDER_H
#define HERMES_CUSTOM_PROVIDER_H

#include "must_check.h"
#include "name_table.h"
#include "text.h"
#include "node.h"
#include "provider_table.h"

struct custom_provider {
    const char *id;    /* "custom:my-llm"; or, for `providers.<id of the table>`, that id */
    const char *name;  /* as written */
    const char *alias; /* `providers.*`: its key in the map, by which `model.provider` may also call it; else NULL */
    const struct provider_row *row; /* not NULL: the entry only adds a key or a URL to a provider of the table */
    const char *base_url;           /* "" when it has none: then row is not NULL */
    const struct pair *url;         /* which member that is; NULL where it has none */
    const struct node *entry;       /* the map that it is written as */
    size_t index;                   /* in the list; of no meaning in `providers` */
    bool shared_name;               /* Hermes takes another entry's name for it, which has another URL */
};

struct custom_providers {
    struct custom_provider *items;
    size_t count;
    struct name_table names;       /* normalised names and aliases of those that have no row */
    struct name_table disabled;    /* those of entries with `enabled: false`, which are not among the items */
    struct name_table dropped;     /* those of entries without a usable URL, likewise */
    struct name_table urls;        /* made when they are first asked for */
    struct name_table shared_urls; /* those of several, made with them */
};

/* Entries that Hermes drops are warned about and left out. Pure. */
struct custom_providers custom_providers_of(struct arena *arena, const struct node *config,
                                            struct diagnostics *diagnostics);

/* Its inline key, and the name of the variable that has its key; NULL where it names none. */
const struct pair *custom_provider_key(const struct custom_provider *custom);
const struct pair *custom_provider_variable(const struct custom_provider *custom);
/* Its key in `providers`, normalised, where that is another name than its own; else NULL. */
const char *custom_provider_alias(struct arena *arena, const struct custom_provider *custom);
/* Where a member of it stands: `custom_providers[0].api_key`, `providers.mine.apiKey`. */
void custom_provider_path(const struct custom_provider *custom, const struct pair *member, struct text *ret);

/* By "custom:<name>", display name or key, in any case; NULL when there is none. */
const struct custom_provider *custom_provider_find(const struct custom_providers *all, const char *name);
/* Whether another one has the same URL. */
bool custom_provider_shares_url(struct arena *arena, struct custom_providers *all,
                                const struct custom_provider *custom) MUST_CHECK;
/* Whether NAME is that of an entry that is switched off. */
bool custom_provider_disabled(const struct custom_providers *all, const char *name);
/* Whether NAME is that of an entry that Hermes ignores, because it has no usable URL. */
bool custom_provider_without_url(const struct custom_providers *all, const char *name);
/* By URL, as Hermes compares: without blanks around and trailing slashes. The first time they are put in order. */
const struct custom_provider *custom_provider_by_url(struct arena *arena, struct custom_providers *all,
                                                     const char *url);

#endif
