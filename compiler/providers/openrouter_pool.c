#include "openrouter_pool.h"

#include <string.h>
#include <strings.h>

#include "endpoint.h"
#include "model_key.h"
#include "provider_target.h"
#include "written_key.h"

static bool is_set(const struct resolver *r, const char *variable)
{
    const struct binding *binding = environment_get(r->in->environment, variable);
    return binding != NULL && *endpoint_trimmed(r->arena, binding->value) != '\0';
}

static const char *model_text(const struct resolver *r, const char *name)
{
    return provider_target_text(r->arena, node_get(node_get(r->in->config, "model"), name));
}

/* At another endpoint Hermes asks variables alone for the key. */
static bool is_elsewhere(const struct resolver *r)
{
    const char *named = model_text(r, "provider");
    bool any = named != NULL && (strcasecmp(named, "auto") == 0 || strcasecmp(named, "custom") == 0);
    return (any && model_text(r, "base_url") != NULL) || is_set(r, "OPENROUTER_BASE_URL") ||
           is_set(r, "OPENAI_BASE_URL");
}

/* `auto` chooses OpenRouter in any case. */
static bool is_chosen_already(const struct resolver *r)
{
    return pool_view_has_others(r->in->pool, "openrouter") || written_key_is_set(r, "OPENROUTER_API_KEY") ||
           written_key_is_set(r, "OPENAI_API_KEY");
}

/* The configuration leaves the choice to Hermes, which finds another provider. */
static bool has_another_choice(const struct resolver *r)
{
    const char *named = model_text(r, "provider");
    bool open = (named == NULL || strcasecmp(named, "auto") == 0) && model_text(r, "base_url") == NULL &&
                !is_set(r, "HERMES_INFERENCE_PROVIDER");
    return open && (r->in->pool->login || model_key_automatic_provider(r) != NULL);
}

void openrouter_pool_leave_out(struct resolver *r, struct provider *provider)
{
    if (strcmp(provider->id, "openrouter") != 0)
        return;
    if (is_elsewhere(r))
        provider->left_out = " at a base URL that config.yaml or a variable names";
    else if (!is_chosen_already(r) && r->in->profile_chooses)
        provider->left_out = " while a profile names no provider: it would choose openrouter for that key";
    else if (!is_chosen_already(r) && has_another_choice(r))
        provider->left_out = " where no model.provider names it and another provider has a key";
    if (provider->left_out != NULL)
        provider->projected = false;
}
