#include "dialect.h"

#include <string.h>
#include <strings.h>

#include "blank.h"
#include "endpoint.h"
#include "url.h"

/* Hosts whose Anthropic endpoint takes the key as a bearer token. */
static bool wants_bearer(const char *base_url)
{
    static const char *const hosts[] = {"minimax.io", "minimaxi.com", "azure.com", "palantirfoundry.com", NULL};
    for (size_t i = 0; hosts[i] != NULL; i++)
        if (endpoint_host_is(base_url, hosts[i]))
            return true;
    return false;
}

static bool path_ends(const char *base_url, const char *end)
{
    struct url url;
    size_t len = strlen(end);
    return url_split(base_url, &url) && url.path.len >= len &&
           strncasecmp(url.path.text + url.path.len - len, end, len) == 0;
}

/* Where nothing says what an endpoint speaks, Hermes goes by its URL. */
static bool is_anthropic(const char *base_url)
{
    return endpoint_host_is(base_url, "api.anthropic.com") || path_ends(base_url, "/anthropic");
}

const char *dialect_auth(const struct node *entry, const char *base_url)
{
    const char *mode = node_string(node_get(entry, "api_mode"));
    if (mode == NULL)
        mode = node_string(node_get(entry, "transport"));
    bool said = mode != NULL && *mode != '\0';
    bool anthropic = said ? strcasecmp(mode, "anthropic_messages") == 0 : is_anthropic(base_url);
    return anthropic && !wants_bearer(base_url) ? "x-api-key" : "bearer";
}

/* Hermes's client lets a configured Authorization stand instead of the key's. */
static void name_key_header(const struct node *name, struct diagnostics *diagnostics)
{
    struct diagnostic *d = diagnostic_add(diagnostics, CODE_HEADER_FOR_KEY, name->place,
                                          "this Authorization is sent instead of the provider's key");
    diagnostic_help(diagnostics, d, "if it is a key, put it in api_key or key_env");
}

const char *dialect_table_auth(const struct provider_row *row, const char *base_url)
{
    bool google = strcmp(row->header, "x-goog-api-key") == 0;
    return google && path_ends(base_url, "/openai") ? "bearer" : row->header;
}

const struct node *dialect_headers(const struct node *headers, struct diagnostics *diagnostics)
{
    static const char *const framing[] = {"Content-Length", "Transfer-Encoding"};
    if (!node_is(headers, NODE_MAP))
        return NULL;
    for (size_t i = 0; i < headers->pair_count; i++) {
        const struct node *name = headers->pairs[i].key;
        const char *text = node_string(name);
        if (text != NULL && strcasecmp(text, "Authorization") == 0)
            name_key_header(name, diagnostics);
        for (size_t k = 0; text != NULL && k < sizeof framing / sizeof *framing; k++)
            if (strcasecmp(text, framing[k]) == 0) {
                struct diagnostic *d =
                    diagnostic_add(diagnostics, CODE_RESERVED_HEADER, name->place,
                                   "%s is not an extra header: the body of each request determines it", framing[k]);
                diagnostic_help(diagnostics, d, "remove the line");
            }
    }
    return headers;
}

bool dialect_unverified(const struct node *entry, struct diagnostics *diagnostics)
{
    static const char *const words[] = {"false", "0", "no", "off"};
    const struct pair *pair = node_pair(entry, "ssl_verify");
    const char *text = pair == NULL ? NULL : node_string(pair->value);
    bool unverified = pair != NULL && node_is(pair->value, NODE_BOOL) && !node_truthy(pair->value);
    size_t len = 0;
    if (text != NULL)
        text = blank_strip(text, strlen(text), &len);
    for (size_t i = 0; text != NULL && i < sizeof words / sizeof *words; i++)
        unverified = unverified || (len == strlen(words[i]) && strncasecmp(text, words[i], len) == 0);
    if (unverified)
        diagnostic_help(diagnostics,
                        diagnostic_add(diagnostics, CODE_UNVERIFIED_TLS, pair->key->place,
                                       "the certificate of this provider is not checked"),
                        "for a server with its own certificate, set ssl_ca_cert to its file");
    return unverified;
}
