/* Which provider a request is for, and where there it goes. */
#ifndef HERMES_ROUTE_H
#define HERMES_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "hermes_runtime.h"
#include "model.h"

struct bytes;

enum { PROVIDER_NAME_SIZE = 96, MODEL_SIZE = 160 };

enum dialect { DIALECT_OPENAI, DIALECT_ANTHROPIC };

/* What a path says. */
struct route {
    char provider[PROVIDER_NAME_SIZE]; /* "": the default one */
    const char *rest;                  /* into the target, from the version on: "/v1/chat/completions" */
    size_t rest_len;
    const char *query; /* after the '?'; NULL: none */
};

/* One provider to ask, and the model to ask it for ("": as the client says). */
struct target {
    char provider[PROVIDER_NAME_SIZE];
    char model[MODEL_SIZE];
};
/* The configuration's fallback of that INDEX, from 0. False: there are no more. */
bool route_fallback(const struct hermes_view *view, size_t index, struct target *ret);

/* 0; -ENOENT: no path of a provider; -EINVAL: a path that nobody honest sends (dot segments, control characters). */
int route_parse(const char *target, struct route *ret);
enum dialect route_dialect(const struct route *route);
/* The path behind its version: "/chat/completions". */
const char *route_path(const struct route *route, size_t *ret_len);

/* `provider/model` in a body: the provider that its first part names, and *RET_MODEL: where the rest begins. NULL when
 * that part is no provider of the view, or when the default provider's own models have such names. */
const struct hermes_provider *route_by_model(const struct hermes_view *view, const char *model, size_t len,
                                             size_t *ret_model);
/* The URL of the request at a provider of that BASE_URL, to which keys travel as AUTH says: base URL and path, with one
 * version between them; `key=` is left out of the query. False: no memory. */
bool route_url(const char *base_url, const char *auth, const struct route *route, struct bytes *out)
    __attribute__((warn_unused_result));

#endif
