/* Which provider an entry of the configuration means by its `provider` and `base_url`. */
#ifndef HERMES_PROVIDER_TARGET_H
#define HERMES_PROVIDER_TARGET_H

#include "draft.h"

struct target {
    struct draft *draft; /* NULL: nobody's */
    bool model_config;   /* Hermes seeds model.api_key as `model_config` in that pool */
};

/* ENTRY is `model`, or what has the same two members. A base URL that it names becomes the provider's. */
struct target provider_target(struct resolver *r, const struct node *entry);

/* The host that URL names, of *RET_LEN bytes; also where the scheme is left out. */
const char *url_host(const char *url, size_t *ret_len);
/* DOMAIN itself, or a part of it. */
bool url_host_is(const char *url, const char *domain);

#endif
