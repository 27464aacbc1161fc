#include "env_keys.h"

#include <string.h>

#include "custom_provider.h"
#include "env_seed.h"
#include "key_check.h"
#include "secret_sources.h"
#include "written_key.h"

static void add_env_keys(struct resolver *r, const struct provider_row *row, const char *variable)
{
    const struct binding *binding = environment_get(r->in->environment, variable);
    /* Hermes up to 0.20 sends OPENAI_API_KEY to OpenRouter as a last resort, whatever is in it; a key goes only to its
     * own provider here. */
    if (strcmp(row->id, "openrouter") == 0 && strcmp(variable, "OPENAI_API_KEY") == 0 &&
        (binding == NULL || strncmp(binding->value, "sk-or-", 6) != 0))
        return;
    if (custom_provider_disabled(r->in->customs, row->id))
        return;
    if (binding == NULL || binding->len == 0)
        return;
    if (pool_view_suppressed(r->in->pool, row->id, arena_printf(r->arena, "env:%s", variable))) {
        struct diagnostic *d =
            diagnostic_add(r->diagnostics, CODE_SUPPRESSED_SOURCE, binding->place,
                           "`hermes auth remove` removed %s from the pool of %s; Hermes sends it only as a last resort",
                           variable, row->id);
        diagnostic_help(r->diagnostics, d, "`hermes auth add %s` restores it; or remove the line", row->id);
        return;
    }
    struct draft *draft = draft_for(r, row->id, row);
    bool known = !key_check_is_secret_reference(binding->value, binding->len) &&
                 !secret_sources_replace(node_get(r->in->config, "secrets"), variable);
    if (known) /* else what Hermes has in its place is not */
        draft_add_seed(r, draft, env_seed(r->arena, r->in, variable));
    written_key_add_variable(r, draft, RANK_ENV, variable);
}

/* `NVIDIA_API_KEY_2` and so on up to the first gap: Hermes seeds these since 0.22. */
static void add_numbered_keys(struct resolver *r, const struct provider_row *row, const char *variable)
{
    const struct binding *binding = environment_get(r->in->environment, variable);
    for (unsigned i = 2; binding != NULL && binding->len > 0; i++) {
        const char *name = arena_printf(r->arena, "%s_%u", variable, i);
        binding = environment_get(r->in->environment, name);
        if (binding != NULL && binding->len > 0)
            add_env_keys(r, row, name);
    }
}

/* Hermes may have an entry of it all the same: of a value that was there, or of one that it does not expand. */
static void note_unset(struct resolver *r, const struct provider_row *row, const char *variable)
{
    const struct binding *binding = environment_get(r->in->environment, variable);
    struct draft *draft = draft_find(r, row->id);
    if (draft != NULL && (binding == NULL || binding->len == 0) && !custom_provider_disabled(r->in->customs, row->id) &&
        !secret_sources_may_set(node_get(r->in->config, "secrets"), variable))
        draft_add_seed(r, draft, env_seed(r->arena, r->in, variable));
}

void env_keys_add(struct resolver *r)
{
    for (size_t i = 0; i < provider_table_count; i++) {
        const struct provider_row *row = &provider_table[i];
        if (row->auth != PROVIDER_API_KEY)
            continue;
        for (size_t k = 0; row->key_envs[k] != NULL; k++)
            add_env_keys(r, row, row->key_envs[k]);
        for (size_t k = 0; row->key_envs[k] != NULL; k++)
            add_numbered_keys(r, row, row->key_envs[k]);
        for (size_t k = 0; row->key_envs[k] != NULL; k++)
            note_unset(r, row, row->key_envs[k]);
    }
}

void env_keys_add_listed(struct resolver *r)
{
    const struct node *all = node_get(r->in->config, "credential_pool_sources");
    if (!node_is(all, NODE_MAP))
        return;
    for (size_t i = 0; i < all->pair_count; i++) {
        const char *name = node_string(all->pairs[i].key);
        const struct node *list = all->pairs[i].value;
        const struct provider_row *row = name == NULL ? NULL : provider_table_find(name);
        if (row == NULL || row->auth != PROVIDER_API_KEY || !node_is(list, NODE_SEQUENCE))
            continue;
        for (size_t k = 0; k < list->count; k++)
            if (node_string(list->items[k]) != NULL)
                written_key_add_variable(r, draft_for(r, row->id, row), RANK_ENV, node_string(list->items[k]));
    }
}
