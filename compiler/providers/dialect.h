/* What the configuration says of the protocol that an endpoint speaks. */
#ifndef HERMES_DIALECT_H
#define HERMES_DIALECT_H

#include "diagnostic.h"
#include "must_check.h"
#include "node.h"
#include "provider_table.h"

/* How a key travels to the endpoint at BASE_URL whose ENTRY (of custom_providers, providers, or model) may say
 * `api_mode`, or `transport`: as Hermes sends it there. */
const char *dialect_auth(const struct node *entry, const char *base_url);

/* The same for a provider of the table: Gemini's endpoint that speaks OpenAI's protocol takes the key as others do. */
const char *dialect_table_auth(const struct provider_row *row, const char *base_url);

/* The map of further headers. Those of the framing are refused, and one that takes the key's place is named. NULL:
 * HEADERS is none. */
const struct node *dialect_headers(const struct node *headers, struct diagnostics *diagnostics);
/* Whether Hermes checks no certificate of the endpoint of ENTRY, because it says `ssl_verify: false`; which is said. */
bool dialect_unverified(const struct node *entry, struct diagnostics *diagnostics) MUST_CHECK;

#endif
