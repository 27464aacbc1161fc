#include "default_key.h"

#include <string.h>
#include <strings.h>

#include "config_schema.h"
#include "endpoint.h"
#include "key_check.h"
#include "near_name.h"
#include "secret_sources.h"
#include "shown.h"
#include "variable_check.h"

/* Hermes seeds these from the sources and drops them with their key; every other entry is a key of its own. */
static bool seeded(const struct pool_view_entry *entry)
{
    return strncmp(entry->source, "env:", 4) == 0 || strncmp(entry->source, "config:", 7) == 0 ||
           strcmp(entry->source, "model_config") == 0;
}

static bool pool_has_key(const struct pool_view *pool, const char *provider)
{
    const struct pool_view_entry *entry = NULL;
    while ((entry = pool_view_next(pool, provider, entry)) != NULL)
        if (entry->oauth || !seeded(entry))
            return true;
    return pool->unreadable;
}

/* LM Studio answers without a key; Copilot's login may be gh's. */
static bool needs_key(const struct provider_row *row)
{
    return row != NULL && row->auth == PROVIDER_API_KEY && strcmp(row->id, "lmstudio") != 0 &&
           strcmp(row->id, "copilot") != 0;
}

/* A key of `model` that is a slip away from api_key and nothing else. */
static const struct node *misspelt(struct arena *arena, const struct node *model)
{
    for (size_t i = 0; node_is(model, NODE_MAP) && i < model->pair_count; i++) {
        const char *name = node_string(model->pairs[i].key);
        struct near_name near = {.written = name};
        if (name == NULL || config_schema_find(arena_printf(arena, "model.%s", name)) != NULL)
            continue;
        near_name_consider(&near, "api_key");
        if (near.best != NULL)
            return model->pairs[i].key;
    }
    return NULL;
}

static struct place place_of(const struct node *model, const struct provider *provider)
{
    const struct node *named = node_get(model, "provider");
    return named != NULL                                   ? named->place
           : provider != NULL && provider->url.key != NULL ? provider->url.place
                                                           : (struct place){0};
}

static void report_table(const struct resolve_input *input, const struct provider *provider,
                         struct diagnostics *diagnostics)
{
    struct arena *arena = diagnostics->arena;
    const struct node *model = node_get(input->config, "model");
    const char *variable = provider->row->key_envs[0];
    const struct node *key = misspelt(arena, model);
    const char *near = variable == NULL ? NULL : variable_check_near(input->environment, variable);
    near = near == NULL && variable != NULL ? variable_check_sister(input->environment, variable) : near;
    struct diagnostic *d = diagnostic_add(diagnostics, CODE_NO_KEY, place_of(model, provider),
                                          "the default provider %s has no key", shown_name(arena, provider->id));
    if (d != NULL)
        d->variable = key != NULL ? "model.api_key" : variable;
    if (key != NULL)
        diagnostic_help(diagnostics, d, "did you mean `api_key`? Line %u has `%s`", key->place.line,
                        shown_name(arena, key->text));
    else if (near != NULL && strcmp(near, variable) != 0)
        diagnostic_help(diagnostics, d, "did you mean `%s`? An env file has `%s`", variable, near);
    else if (variable != NULL)
        diagnostic_help(diagnostics, d, "set %s in .env, or model.api_key in config.yaml", variable);
    else
        diagnostic_help(diagnostics, d, "set model.api_key in config.yaml");
}

/* One of its variables is set and was taken out of the pool: that was said, and Hermes sends it as a last resort. */
static bool variable_is_set(const struct resolve_input *input, const struct provider_row *row)
{
    for (size_t i = 0; row->key_envs[i] != NULL; i++) {
        const struct binding *binding = environment_get(input->environment, row->key_envs[i]);
        if (binding != NULL && key_check_unusable(binding->value, binding->len) == NULL)
            return true;
    }
    return false;
}

/* A server out in the internet to which nothing names a key: what is wrong with one that is named was said there. */
static void check_custom(const struct resolve_input *input, const struct provider *provider,
                         struct diagnostics *diagnostics)
{
    const struct node *model = node_get(input->config, "model");
    const struct custom_provider *custom = custom_provider_find(input->customs, provider->id);
    bool named = custom != NULL && (custom_provider_key(custom) != NULL || custom_provider_variable(custom) != NULL);
    bool by_model = node_truthy(node_get(model, "key_env")) || node_truthy(node_get(model, "api_key_env"));
    bool unknown = provider->row == NULL && strncmp(provider->id, "custom:", 7) != 0;
    if (*provider->base_url == '\0' || endpoint_is_local(provider->base_url) || named || by_model || unknown)
        return;
    struct diagnostic *d =
        diagnostic_add(diagnostics, CODE_NO_KEY, place_of(model, provider),
                       "the default endpoint has no key: Hermes sends the string \"no-key-required\" instead");
    diagnostic_help(diagnostics, d, "set model.api_key, or key_env to the name of its variable");
}

static bool any_key(const struct resolve_input *input, const struct providers *providers)
{
    bool any = input->pool->count > 0 || input->pool->login || input->pool->unreadable;
    for (size_t i = 0; i < providers->count && !any; i++)
        any = providers->items[i]->credential_count > 0 || providers->items[i]->awaited;
    return any || secret_sources_may_set(node_get(input->config, "secrets"), NULL);
}

/* With `auto`, Hermes takes the first provider that has a key. A server of one's own needs none. */
static void check_auto(const struct resolve_input *input, const struct providers *providers, struct place place,
                       struct diagnostics *diagnostics)
{
    const char *url = node_string(node_get(node_get(input->config, "model"), "base_url"));
    bool own_server = url != NULL && *url != '\0' && !endpoint_host_is(url, "openrouter.ai");
    if (own_server || input->customs->count > 0 || any_key(input, providers))
        return;
    struct diagnostic *d = diagnostic_add(diagnostics, CODE_NO_KEY, place, "no provider has a key");
    diagnostic_help(diagnostics, d,
                    "name a provider in model.provider, and set its variable in .env; or log in with "
                    "`hermes auth`");
}

void default_key_check(const struct resolve_input *input, const struct providers *providers,
                       struct diagnostics *diagnostics)
{
    const struct node *model = node_get(input->config, "model");
    const struct node *named = node_get(model, "provider");
    const struct provider *provider =
        providers->default_id == NULL ? NULL : providers_get(providers, providers->default_id);
    bool unnamed =
        provider == NULL && !node_truthy(named) && node_truthy(model) && !node_truthy(node_get(model, "api_key"));
    bool automatic = unnamed || (node_string(named) != NULL && strcasecmp(named->text, "auto") == 0);
    if (automatic)
        check_auto(input, providers, unnamed ? model->place : named->place, diagnostics);
    /* What is wrong with a model.api_key that is no key was said at its own place. */
    if (provider == NULL || provider->credential_count > 0 || provider->awaited ||
        node_truthy(node_get(model, "api_key")) || pool_has_key(input->pool, provider->id) ||
        secret_sources_may_set(node_get(input->config, "secrets"), NULL))
        return;
    if (provider->row == NULL || provider->row->auth == PROVIDER_CUSTOM)
        check_custom(input, provider, diagnostics);
    else if (!automatic && needs_key(provider->row) && !variable_is_set(input, provider->row))
        report_table(input, provider, diagnostics);
}
