/* What the configuration says of the protocol that an endpoint speaks. */
#ifndef HERMES_DIALECT_H
#define HERMES_DIALECT_H

#include "diagnostic.h"
#include "node.h"

/* How a key travels to the endpoint at BASE_URL whose ENTRY (of custom_providers, providers, or model) may say
 * `api_mode`, or `transport`: as Hermes sends it there. */
const char *dialect_auth(const struct node *entry, const char *base_url);

/* The map of further headers, without those of the key and of the framing, which are refused. NULL: HEADERS is none. */
const struct node *dialect_headers(const struct node *headers, struct diagnostics *diagnostics);

#endif
