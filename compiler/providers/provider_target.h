/* Which provider an entry of the configuration means by its `provider` and `base_url`. */
#ifndef HERMES_PROVIDER_TARGET_H
#define HERMES_PROVIDER_TARGET_H

#include "draft.h"

enum meaning_kind {
    MEANS_NOBODY,    /* there is none of that name */
    MEANS_AUTO,      /* nothing, or `auto`: Hermes looks for one */
    MEANS_CUSTOM,    /* an entry of custom_providers or providers */
    MEANS_ROW,       /* one of the provider table */
    MEANS_ENDPOINT,  /* whoever answers at the base URL: `custom`, `ollama`, ... */
    MEANS_ELSEWHERE, /* Hermes, or a plugin of it, knows it outside the table */
    MEANS_DISABLED,  /* `providers.<name>.enabled: false` */
};

struct meaning {
    enum meaning_kind kind;
    const struct custom_provider *custom;
    const struct provider_row *row;
};

/* NAME may be NULL. */
struct meaning provider_target_meaning(const struct resolver *r, const char *name);
/* Warns when the text of NODE names no provider, or one that is switched off. */
void provider_target_check_name(struct resolver *r, const struct node *node);

struct target {
    struct draft *draft; /* NULL: nobody's */
    struct draft *seeds; /* Hermes seeds model.api_key as `model_config` in this one's pool; NULL: in none */
};

/* Who is asked by default, as the files name it. */
struct naming {
    const char *name; /* NULL: nobody is named */
    struct place place;
    const char *base_url; /* trimmed; "": none */
    struct origin url;
    const char *key; /* that is to go there, or NULL: of several custom providers at one URL it tells which is meant */
};
/* A base URL that is named becomes the provider's. */
struct target provider_target(struct resolver *r, const struct naming *naming);

/* The text of NODE without blanks around; NULL when it is no text, or nothing but blanks. */
const char *provider_target_text(struct arena *arena, const struct node *node);

#endif
