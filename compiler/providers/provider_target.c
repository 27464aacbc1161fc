#include "provider_target.h"

#include <string.h>
#include <strings.h>

#include "blank.h"
#include "near_name.h"
#include "shown.h"

const char *url_host(const char *url, size_t *ret_len)
{
    const char *scheme = strstr(url, "://");
    const char *host = scheme == NULL ? url : scheme + 3;
    *ret_len = strcspn(host, ":/?#");
    return host;
}

bool url_host_is(const char *url, const char *domain)
{
    size_t len;
    const char *host = url_host(url, &len);
    size_t tail = strlen(domain);
    return len >= tail && strncasecmp(host + len - tail, domain, tail) == 0 &&
           (len == tail || host[len - tail - 1] == '.');
}

/* Hermes resolves these outside its table. */
static bool known_elsewhere(const char *name)
{
    static const char *const names[] = {"moa", "vertex", "google-vertex", "vertex-ai", "gcp-vertex", "vertexai"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

static struct target custom_target(struct resolver *r, const char *url)
{
    const struct custom_provider *same = custom_provider_by_url(r->arena, r->in->customs, url);
    if (same != NULL)
        return (struct target){draft_for(r, same->id, NULL), true};
    struct draft *draft = draft_for(r, "custom", provider_table_find("custom"));
    draft->provider.base_url = url;
    return (struct target){draft, false};
}

static struct target automatic_target(struct resolver *r, const char *url)
{
    if (*url == '\0')
        return (struct target){0};
    if (url_host_is(url, "openrouter.ai"))
        return (struct target){draft_for(r, "openrouter", provider_table_find("openrouter")), false};
    if (url_host_is(url, "anthropic.com") || url_host_is(url, "openai.com"))
        return (struct target){0};
    return custom_target(r, url);
}

static bool letters_of_a_name(const char *name)
{
    return strlen(name) <= 24 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz-_.:ABCDEFGHIJKLMNOPQRSTUVWXYZ ") == strlen(name);
}

/* The provider that NAME may have meant, or NULL. */
static const char *near_provider(const struct resolver *r, const char *name)
{
    struct near_name near = {.written = name};
    provider_table_consider(&near);
    const struct custom_providers *customs = r->in->customs;
    for (size_t i = 0; i < customs->count; i++)
        if (shown_name_is_plain(customs->items[i].name, strlen(customs->items[i].name)))
            near_name_consider(&near, customs->items[i].name);
    return near.best;
}

static struct target unknown_target(struct resolver *r, const struct node *provider, const char *name, const char *url)
{
    if (!known_elsewhere(name)) {
        struct diagnostic *d =
            diagnostic_add(r->diagnostics, SEVERITY_WARNING, "unknown-provider", provider->place,
                           letters_of_a_name(name) ? "there is no provider \"%s\"" : "there is no such provider", name);
        const char *near = near_provider(r, name);
        if (near != NULL)
            diagnostic_help(r->diagnostics, d, "did you mean \"%s\"?", near);
        else
            diagnostic_help(r->diagnostics, d,
                            "take a provider that Hermes knows, or define it under custom_providers");
    }
    char normal[128];
    (void)provider_table_normalise(name, normal, sizeof normal);
    struct draft *draft = draft_for(r, arena_strdup(r->arena, normal), NULL);
    draft->provider.base_url = url;
    draft->provider.projected = *url != '\0';
    return (struct target){draft, false};
}

/* Names of custom providers come before aliases of the table, as Hermes 0.16.0 and 0.18.2 resolve them. */
struct target provider_target(struct resolver *r, const struct node *entry)
{
    const struct node *provider = node_get(entry, "provider");
    const char *name = node_string(provider);
    const char *url = node_string(node_get(entry, "base_url"));
    size_t len = 0;
    url = url == NULL ? "" : url_trimmed(r->arena, url);
    if (name != NULL) {
        name = blank_strip(name, strlen(name), &len);
        name = arena_prefix(r->arena, name, len);
    }
    if (len == 0 || strcasecmp(name, "auto") == 0)
        return automatic_target(r, url);
    const struct provider_row *row = provider_table_find(name);
    const struct custom_provider *custom = custom_provider_find(r->in->customs, name);
    bool canonical = row != NULL && strcasecmp(row->id, name) == 0;
    if (custom != NULL && !canonical)
        return (struct target){draft_for(r, custom->id, NULL), false};
    if (row == NULL)
        return unknown_target(r, provider, name, url);
    if (row->auth == PROVIDER_CUSTOM)
        return custom_target(r, url);
    struct draft *draft = draft_for(r, row->id, row);
    if (*url != '\0') {
        draft->provider.base_url = url;
        draft->provider.url_is_explicit = true;
    }
    return (struct target){draft, false};
}
