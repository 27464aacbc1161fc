#include "default_key.h"

#include <string.h>
#include <strings.h>

#include "config_schema.h"
#include "endpoint.h"
#include "near_name.h"
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
    for (size_t i = 0; i < pool->count; i++) {
        const struct pool_view_entry *entry = &pool->entries[i];
        if (strcmp(entry->provider, provider) == 0 && (entry->oauth || !seeded(entry)))
            return true;
    }
    return pool->unreadable;
}

/* Hermes asks it at its start for variables that no file has. */
static bool any_secret_source(const struct node *config)
{
    const struct node *all = node_get(config, "secrets");
    for (size_t i = 0; node_is(all, NODE_MAP) && i < all->pair_count; i++)
        if (node_truthy(node_get(all->pairs[i].value, "enabled")))
            return true;
    return false;
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

static bool any_key(const struct resolve_input *input, const struct providers *providers)
{
    bool any = input->pool->count > 0 || input->pool->login || input->pool->unreadable;
    for (size_t i = 0; i < providers->count && !any; i++)
        any = providers->items[i]->credential_count > 0 || providers->items[i]->awaited;
    return any || any_secret_source(input->config);
}

/* With `auto`, Hermes takes the first provider that has a key. A server of one's own needs none. */
static void check_auto(const struct resolve_input *input, const struct providers *providers, const struct node *named,
                       struct diagnostics *diagnostics)
{
    const char *url = node_string(node_get(node_get(input->config, "model"), "base_url"));
    bool own_server = url != NULL && *url != '\0' && !endpoint_host_is(url, "openrouter.ai");
    if (own_server || input->customs->count > 0 || any_key(input, providers))
        return;
    struct diagnostic *d = diagnostic_add(diagnostics, CODE_NO_KEY, named->place, "no provider has a key");
    diagnostic_help(diagnostics, d,
                    "name a provider in model.provider, and set its variable in .env; or log in with "
                    "`hermes auth`");
}

void default_key_check(const struct resolve_input *input, const struct providers *providers,
                       struct diagnostics *diagnostics)
{
    struct arena *arena = diagnostics->arena;
    const struct node *model = node_get(input->config, "model");
    const struct node *named = node_get(model, "provider");
    const struct provider *provider =
        providers->default_id == NULL ? NULL : providers_get(providers, providers->default_id);
    if (node_string(named) != NULL && strcasecmp(named->text, "auto") == 0)
        check_auto(input, providers, named, diagnostics);
    /* What is wrong with a model.api_key that is no key was said at its own place. */
    if (provider == NULL || node_string(named) == NULL || provider_table_find(named->text) == NULL ||
        !needs_key(provider->row) || provider->credential_count > 0 || node_truthy(node_get(model, "api_key")) ||
        pool_has_key(input->pool, provider->id) || any_secret_source(input->config))
        return;
    struct diagnostic *d = diagnostic_add(diagnostics, CODE_NO_KEY, named->place, "the default provider %s has no key",
                                          shown_name(arena, provider->id));
    const char *variable = provider->row->key_envs[0];
    const struct node *key = misspelt(arena, model);
    const char *near = variable == NULL ? NULL : variable_check_near(input->environment, variable);
    if (key != NULL)
        diagnostic_help(diagnostics, d, "did you mean model.api_key by \"%s\" in line %u?",
                        shown_name(arena, key->text), key->place.line);
    else if (near != NULL && strcmp(near, variable) != 0)
        diagnostic_help(diagnostics, d, "did you mean %s by %s?", variable, near);
    else if (variable != NULL)
        diagnostic_help(diagnostics, d, "set %s in .env, or model.api_key in config.yaml", variable);
    else
        diagnostic_help(diagnostics, d, "set model.api_key in config.yaml");
}
