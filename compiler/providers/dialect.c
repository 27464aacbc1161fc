#include "dialect.h"

#include <string.h>
#include <strings.h>

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

/* Where nothing says what an endpoint speaks, Hermes goes by its URL. */
static bool is_anthropic(const char *base_url)
{
    static const char path[] = "/anthropic";
    struct url url;
    return endpoint_host_is(base_url, "api.anthropic.com") ||
           (url_split(base_url, &url) && url.path.len >= sizeof path - 1 &&
            strncasecmp(url.path.text + url.path.len - (sizeof path - 1), path, sizeof path - 1) == 0);
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

const struct node *dialect_headers(const struct node *headers, struct diagnostics *diagnostics)
{
    static const struct {
        const char *name;
        const char *why;
    } reserved[] = {{"Authorization", "it carries the provider's key"},
                    {"Content-Length", "the request's own body decides it"},
                    {"Transfer-Encoding", "the request's own body decides it"}};
    if (!node_is(headers, NODE_MAP))
        return NULL;
    for (size_t i = 0; i < headers->pair_count; i++)
        for (size_t k = 0; k < sizeof reserved / sizeof *reserved; k++) {
            const struct node *name = headers->pairs[i].key;
            if (node_string(name) == NULL || strcasecmp(node_string(name), reserved[k].name) != 0)
                continue;
            struct diagnostic *d = diagnostic_add(diagnostics, CODE_RESERVED_HEADER, name->place,
                                                  "%s is not an extra header: %s", reserved[k].name, reserved[k].why);
            diagnostic_help(diagnostics, d, "remove the line; a key belongs into api_key or key_env");
        }
    return headers;
}
