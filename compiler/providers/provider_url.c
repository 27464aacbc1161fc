#include "provider_url.h"

#include <string.h>

#include "endpoint.h"
#include "shown.h"
#include "source.h"

void provider_url_take_variables(struct resolver *r)
{
    for (size_t i = 0; i < r->count; i++) {
        struct draft *draft = draft_of(r->providers[i]);
        const struct provider_row *row = draft->provider.row;
        const struct binding *binding =
            row == NULL || row->base_url_env == NULL ? NULL : environment_get(r->in->environment, row->base_url_env);
        if (binding == NULL || binding->len == 0)
            continue;
        const char *url = endpoint_trimmed(r->arena, binding->value);
        if (*url == '\0')
            continue;
        if (!draft->provider.url_is_explicit) {
            draft->provider.base_url = url;
            draft->provider.url_is_explicit = true;
            draft->provider.url = (struct origin){binding->place, row->base_url_env};
        } else if (strcmp(url, draft->provider.base_url) != 0) {
            (void)diagnostic_add(r->diagnostics, CODE_BASE_URL_SHADOWED, binding->place,
                                 "%s differs from the URL in config.yaml for %s, which is used", row->base_url_env,
                                 shown_name(r->arena, draft->provider.id));
        }
    }
}

/* Hermes probes Z.AI's endpoints and picks Kimi's by the key's form; where the files name no URL, its own entries know
 * better than the table. */
static bool has_coding_key(const struct provider *provider)
{
    return strcmp(provider->id, "kimi-coding") == 0 && provider->credential_count > 0 &&
           strncmp(provider->credentials[0].secret, "sk-kimi-", 8) == 0;
}

static const char coding_url[] = "https://api.kimi.com/coding";

void provider_url_respect_discovered(struct provider *provider)
{
    if (provider->url_is_explicit || provider->row == NULL)
        return;
    bool from_config = provider->credential_count > 0 && provider->credentials[0].rank == RANK_CONFIG;
    if (strcmp(provider->id, "zai") == 0 && !from_config)
        provider->projected = false;
    if (has_coding_key(provider))
        provider->base_url = coding_url;
}

static bool by_config(const struct provider *provider)
{
    const struct source *source = provider->url.key == NULL ? NULL : provider->url.place.source;
    return source != NULL && (source->kind == SOURCE_CONFIG || source->kind == SOURCE_MANAGED_CONFIG);
}

void provider_url_note_seeded(struct resolver *r, struct provider *provider)
{
    if (provider->row == NULL || provider->row->auth != PROVIDER_API_KEY || !by_config(provider))
        return;
    const char *url = draft_table_url(r, provider->row);
    provider->seeded_url = has_coding_key(provider) && strcmp(url, provider->row->base_url) == 0 ? coding_url : url;
}

static bool is_brought_by_plugin(const struct resolver *r, const struct provider_row *row)
{
    for (const char *const *plugin = r->in->plugins; plugin != NULL && *plugin != NULL; plugin++)
        if (provider_table_find(*plugin) == row)
            return true;
    return false;
}

/* A plugin in the home that is called like a provider of the table has a URL of its own. */
void provider_url_leave_to_plugin(struct resolver *r, struct provider *provider)
{
    if (provider->row == NULL || provider->row->auth != PROVIDER_API_KEY || provider->url_is_explicit ||
        provider->credential_count == 0 || !is_brought_by_plugin(r, provider->row))
        return;
    provider->projected = false;
    provider->base_url = "";
    provider->left_out = ", which a plugin brings";
    struct diagnostic *d =
        diagnostic_add(r->diagnostics, CODE_NOT_COMPILED, provider->credentials[0].origins[0].place,
                       "a plugin in the home brings %s: the snapshot does not have its base URL, and the pool none of "
                       "its keys",
                       shown_name(r->arena, provider->id));
    diagnostic_help(r->diagnostics, d, "set %s in .env, or base_url beside the key",
                    provider->row->base_url_env == NULL ? "its base URL" : provider->row->base_url_env);
}

/* An entry of the pool without a URL would send its key nowhere. */
void provider_url_leave_out(struct resolver *r, struct provider *provider)
{
    bool by_table = provider->row != NULL && provider->row->auth == PROVIDER_API_KEY && provider->left_out == NULL;
    size_t first = 0;
    while (first < provider->credential_count && provider->credentials[first].rank > RANK_ENV)
        first++;
    if (!by_table || *provider->base_url != '\0' || first == provider->credential_count)
        return;
    provider->projected = false;
    struct diagnostic *d =
        diagnostic_add(r->diagnostics, CODE_NO_BASE_URL, provider->credentials[first].origins[0].place,
                       "%s has no built-in base URL, and none is set: its keys get no entry in the pool",
                       shown_name(r->arena, provider->id));
    if (provider->row->base_url_env != NULL)
        diagnostic_help(r->diagnostics, d, "set %s in .env, or base_url beside the key", provider->row->base_url_env);
    else
        diagnostic_help(r->diagnostics, d, "set base_url beside the key");
}

/* A manual entry's URL that is the provider's, or the table's in whose place config.yaml names another one. */
void provider_url_share(struct provider *provider)
{
    for (size_t i = 0; i < provider->credential_count; i++) {
        struct credential *credential = &provider->credentials[i];
        const char *url = credential->base_url;
        if (url != NULL && (strcmp(url, provider->base_url) == 0 || (by_config(provider) && provider->row != NULL &&
                                                                     strcmp(url, provider->row->base_url) == 0)))
            credential->base_url = NULL;
    }
}
