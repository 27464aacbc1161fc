#include "open_session.h"

#include <string.h>

#include "endpoint.h"

/* Hosts that Hermes speaks OpenAI's Responses API to; and Anthropic's protocol has a header of its own for the key. */
static bool speaks_chat_completions(const struct provider *provider)
{
    return strcmp(provider->auth, "x-api-key") != 0 && !endpoint_host_is(provider->base_url, "api.x.ai") &&
           !endpoint_host_is(provider->base_url, "api.openai.com");
}

static bool is_where_variables_go(const struct provider *provider, const char *url)
{
    return provider->seeded_url == NULL || strcmp(url, provider->seeded_url) == 0 ||
           strcmp(url, provider->row->base_url) == 0;
}

/* The first that is set, as Hermes looks for it. */
static const char *variable_of(const struct provider_row *row, const struct environment *environment,
                               const char *other_than)
{
    for (size_t i = 0; row->key_envs[i] != NULL; i++) {
        const struct binding *binding = environment_get(environment, row->key_envs[i]);
        if (binding != NULL && binding->len > 0)
            return strcmp(binding->value, other_than) == 0 ? NULL : binding->name;
    }
    return NULL;
}

/* The variable that `key_env` names beside `api_key`. */
static const char *key_env_beside(const struct provider *provider)
{
    for (size_t i = 0; i < provider->credential_count; i++)
        if (provider->credentials[i].rank == RANK_ENV)
            return provider->credentials[i].origins[0].key;
    return NULL;
}

const char *open_session_turns_to(const struct provider *provider, const struct credential *credential,
                                  const struct environment *environment)
{
    if (credential->rank != RANK_CONFIG || !speaks_chat_completions(provider))
        return NULL;
    if (provider->row == NULL)
        return key_env_beside(provider);
    if (provider->row->auth != PROVIDER_API_KEY ||
        !is_where_variables_go(provider, provider_credential_url(provider, credential)))
        return NULL;
    return variable_of(provider->row, environment, credential->secret);
}
