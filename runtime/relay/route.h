/* Which provider a request is for, and where there it goes. */
#ifndef HERMES_ROUTE_H
#define HERMES_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "hermes_runtime.h"
#include "model.h"
#include "must_check.h"
#include "provider_table.h"

struct bytes;

enum dialect {
    DIALECT_ANY, /* of a request: a path that more than one has, "/models" */
    DIALECT_OPENAI,
    DIALECT_ANTHROPIC,
    DIALECT_GEMINI,
};

/* What a path says. */
struct route {
    char provider[PROVIDER_NAME_SIZE]; /* "": the default one */
    const char *prefix; /* between provider and version, where a client repeats the base URL's path: "/openai" */
    size_t prefix_len;
    const char *rest; /* into the target, from the version on: "/v1/chat/completions" */
    size_t rest_len;
    size_t version_len; /* of "/v1"; 0: it has none */
    bool azure;         /* a deployment's, without a version */
    bool bare;          /* a usual path without one: the client's base URL is no more than this relay, or a provider */
    bool upload;        /* Google's, whose path is "/upload" and the usual one */
    const char *query;  /* after the '?'; NULL: none */
};

/* One provider to ask, and the model to ask it for ("": as the client says). */
struct target {
    char provider[PROVIDER_NAME_SIZE];
    char model[MODEL_SIZE];
};
/* The configuration's fallback of that INDEX, from 0. False: there are no more. */
bool route_fallback(const struct hermes_view *view, size_t index, struct target *ret) MUST_CHECK;

/* 0; -ENOENT: no path of a provider; -EINVAL: a path that nobody honest sends (dot segments, control characters). */
int route_parse(const char *target, struct route *ret) MUST_CHECK;
/* Takes the first segment of TARGET, which names no provider, for the beginning of the path that the client repeats. */
void route_unname(struct route *route, const char *target);
/* What the request is written in. */
enum dialect route_dialect(const struct route *route);
/* What a provider of that BASE_URL speaks, to which keys travel as AUTH says. */
enum dialect route_speaks(const char *base_url, const char *auth);
const char *route_dialect_name(enum dialect dialect);
/* Whether a provider can be asked so at all: its base URL has the path that the client repeats, and its dialect is not
 * known to be another one. 0, -ENOENT or -EPROTONOSUPPORT. */
int route_fits(const char *base_url, const char *auth, const struct route *route) MUST_CHECK;
/* How the key travels with this request: a provider may take another way for a dialect that it has besides its own. */
const char *route_auth(const char *base_url, const char *auth, const struct route *route);
/* The model that the path names, as it stands there: of `/models/<model>`, with a method or not, or of Azure's
 * `/deployments/<name>/...`. NULL: none. */
const char *route_model(const struct route *route, size_t *ret_len);
/* LEN bytes of a path as they are meant. False: too long, or not decodable. */
bool route_decode(const char *text, size_t len, char *out, size_t size) MUST_CHECK;
/* The other way round. False: no memory. */
bool route_encode(const char *text, struct bytes *out) MUST_CHECK;
/* Takes the first COUNT decoded bytes of what route_model gives out of TARGET, in which ROUTE points. */
void route_cut_model(struct route *route, struct bytes *target, size_t count);
/* Puts MODEL there. False: no memory. */
bool route_set_model(struct route *route, struct bytes *target, const char *model) MUST_CHECK;
/* The path behind its version: "/chat/completions". */
const char *route_path(const struct route *route, size_t *ret_len);

/* Whether PROVIDER sells other makers' models, under `maker/model`. */
bool route_resells(const char *provider);
/* What the configuration means by that name for a model; NULL: it is no alias. */
const struct hermes_model_alias *route_alias(const struct hermes_view *view, const char *name);
/* `provider/model` in a body: the provider that its first part names, and *RET_MODEL: where the rest begins. NULL when
 * that part is no provider of the view, or when the default provider's own models have such names. */
const struct hermes_provider *route_by_model(const struct hermes_view *view, const char *model, size_t len,
                                             size_t *ret_model);
/* Who is asked in the stead of USUAL, the default provider (NULL: there is none), by a client of a dialect that USUAL
 * does not have: one that has it. USUAL when there is none such. */
const struct hermes_provider *route_by_dialect(const struct hermes_view *view, enum dialect wanted,
                                               const struct hermes_provider *usual);
/* Likewise: a path of Azure's is for a provider whose base URL is one of Azure's, and one that repeats a base URL's
 * path for a provider that has it; no guess is made between two. */
const struct hermes_provider *route_by_path(const struct hermes_view *view, const struct route *route,
                                            const struct hermes_provider *usual);
/* The URL of the request at a provider of that BASE_URL, to which keys travel as AUTH says: base URL and path, with one
 * version between them, then the queries of both; `key=` is left out of the client's. False: no memory. */
bool route_url(const char *base_url, const char *auth, const struct route *route, struct bytes *out) MUST_CHECK;

#endif
