#include "foreign_key.h"

#include <string.h>

#include "blank.h"
#include "endpoint.h"
#include "host_owner.h"
#include "key_check.h"
#include "shown.h"

/* What only the keys of one provider begin with. */
static const struct {
    const char *start;
    const char *provider;
} shapes[] = {{"sk-or-", "openrouter"},   {"sk-ant-", "anthropic"},   {"xai-", "xai"},      {"AIza", "gemini"},
              {"nvapi-", "nvidia"},       {"hf_", "huggingface"},     {"ghp_", "copilot"},  {"gho_", "copilot"},
              {"ghu_", "copilot"},        {"github_pat_", "copilot"}, {"fw_", "fireworks"}, {"vck_", "ai-gateway"},
              {"sk-kimi-", "kimi-coding"}};

/* Whether a variable of ROW has that value; its name then, else NULL. */
static const char *variable_with(const struct resolver *r, const struct provider_row *row, const char *text, size_t len)
{
    for (size_t i = 0; row->key_envs[i] != NULL; i++) {
        const struct binding *binding = environment_get(r->in->environment, row->key_envs[i]);
        size_t value_len;
        const char *value = binding == NULL ? "" : blank_strip(binding->value, binding->len, &value_len);
        if (binding != NULL && value_len == len && memcmp(value, text, len) == 0)
            return row->key_envs[i];
    }
    return NULL;
}

static bool has_variable(const struct resolver *r, const struct provider_row *row)
{
    for (size_t i = 0; row->key_envs[i] != NULL; i++) {
        const struct binding *binding = environment_get(r->in->environment, row->key_envs[i]);
        if (binding != NULL && key_check_unusable(binding->value, binding->len) == NULL)
            return true;
    }
    return false;
}

static const struct provider_row *owner_by_shape(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (len > strlen(shapes[i].start) && strncmp(text, shapes[i].start, strlen(shapes[i].start)) == 0)
            return provider_table_find(shapes[i].provider);
    return NULL;
}

/* A gateway of one's own may take any key. */
static bool own_host(const struct draft *draft)
{
    size_t len;
    size_t own_len;
    const char *host = endpoint_host(draft->provider.base_url, &len);
    const char *own = endpoint_host(draft->provider.row->base_url, &own_len);
    return len == own_len && strncmp(host, own, len) == 0;
}

static void report(struct resolver *r, const struct draft *draft, struct origin origin, const char *owner,
                   const char *variable, bool used)
{
    const char *id = shown_name(r->arena, draft->provider.id);
    struct diagnostic *d = variable != NULL
                               ? diagnostic_add(r->diagnostics, CODE_FOREIGN_KEY, origin.place,
                                                "%s is the key of %s (%s has the same): it is not sent to %s",
                                                origin.key, owner, variable, id)
                               : diagnostic_add(r->diagnostics, CODE_FOREIGN_KEY, origin.place,
                                                "%s has the form of a key of %s%s", origin.key, owner,
                                                used ? arena_printf(r->arena, ", and goes to %s", id)
                                                     : arena_printf(r->arena, ": %s's own variable is used", id));
    diagnostic_help(r->diagnostics, d, "remove it, or put %s's key there", id);
}

bool foreign_key_check(struct resolver *r, const struct draft *draft, const char *text, size_t len,
                       struct origin origin)
{
    const struct provider_row *own = draft->provider.row;
    if (own == NULL || own->auth != PROVIDER_API_KEY || variable_with(r, own, text, len) != NULL)
        return true;
    for (size_t i = 0; i < provider_table_count; i++) {
        const struct provider_row *row = &provider_table[i];
        const char *variable = host_owner_related(row, own) ? NULL : variable_with(r, row, text, len);
        if (variable == NULL)
            continue;
        report(r, draft, origin, row->id, variable, false);
        return false;
    }
    const struct provider_row *owner = owner_by_shape(text, len);
    if (owner == NULL || host_owner_related(owner, own) || !own_host(draft))
        return true;
    bool used = !has_variable(r, own);
    report(r, draft, origin, owner->id, NULL, used);
    return used;
}

/* Whose key TEXT is, if that one has nothing to do with the host of URL; else NULL. */
static const struct provider_row *owner_elsewhere(const struct resolver *r, const char *text, const char *url)
{
    const struct provider_row *owner = NULL;
    for (size_t i = 0; i < provider_table_count; i++) {
        const struct provider_row *row = &provider_table[i];
        if (variable_with(r, row, text, strlen(text)) == NULL)
            continue;
        if (host_owner(url, row) == NULL)
            return NULL;
        owner = owner == NULL ? row : owner;
    }
    const struct provider_row *by_shape = owner == NULL ? owner_by_shape(text, strlen(text)) : owner;
    return by_shape == NULL || host_owner(url, by_shape) == NULL ? NULL : by_shape;
}

void foreign_key_check_host(struct resolver *r, const struct provider *provider)
{
    bool custom = provider->row == NULL || provider->row->auth == PROVIDER_CUSTOM;
    bool known = custom && !endpoint_is_local(provider->base_url) && host_owner(provider->base_url, NULL) != NULL;
    for (size_t i = 0; known && i < provider->credential_count; i++) {
        const struct credential *credential = &provider->credentials[i];
        const struct provider_row *owner =
            credential->rank > RANK_ENV ? NULL : owner_elsewhere(r, credential->secret, provider->base_url);
        if (owner == NULL)
            continue;
        struct diagnostic *d = diagnostic_add(r->diagnostics, CODE_FOREIGN_KEY, credential->origins[0].place,
                                              "%s is a key of %s, and goes to a host of %s", credential->origins[0].key,
                                              owner->id, host_owner(provider->base_url, owner)->id);
        diagnostic_help(r->diagnostics, d, "put the key there that belongs to this URL");
    }
}
