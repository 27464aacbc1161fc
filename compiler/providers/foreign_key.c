#include "foreign_key.h"

#include <string.h>

#include "blank.h"
#include "endpoint.h"
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

bool foreign_key_related(const struct provider_row *a, const struct provider_row *b)
{
    size_t word = strcspn(a->id, "-");
    return strcspn(b->id, "-") == word && strncmp(a->id, b->id, word) == 0;
}

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
        const char *variable = foreign_key_related(row, own) ? NULL : variable_with(r, row, text, len);
        if (variable == NULL)
            continue;
        report(r, draft, origin, row->id, variable, false);
        return false;
    }
    const struct provider_row *owner = owner_by_shape(text, len);
    if (owner == NULL || foreign_key_related(owner, own) || !own_host(draft))
        return true;
    bool used = !has_variable(r, own);
    report(r, draft, origin, owner->id, NULL, used);
    return used;
}
