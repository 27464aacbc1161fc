#include "side_task.h"

#include <string.h>
#include <strings.h>

/* The id that `auxiliary` means with NAME; NULL: none of the sources'. */
static const char *id_of(const struct custom_providers *customs, const struct providers *providers, const char *name)
{
    if (strcasecmp(name, "main") == 0)
        return providers->default_id;
    const struct custom_provider *custom = custom_provider_find(customs, name);
    const struct provider *provider = custom == NULL ? provider_named(providers, name) : NULL;
    return custom != NULL ? custom->id : provider == NULL ? NULL : provider->id;
}

static bool is_named(const struct node *config, const struct custom_providers *customs,
                     const struct providers *providers, const char *id)
{
    const struct node *tasks = node_get(config, "auxiliary");
    for (size_t i = 0; node_is(tasks, NODE_MAP) && i < tasks->pair_count; i++) {
        const char *name = node_string(node_get(tasks->pairs[i].value, "provider"));
        const char *other = name == NULL ? NULL : id_of(customs, providers, name);
        if (other != NULL && strcmp(other, id) == 0)
            return true;
    }
    return false;
}

/* A client knows Hermes's entry of a variable by its id, which outlives the key; that of ours changes with it. */
static bool has_first_key_from(const struct provider *provider, const char *variable)
{
    const struct credential *first = provider->credential_count == 0 ? NULL : &provider->credentials[0];
    for (size_t i = 0; provider->row != NULL && first != NULL && i < first->origin_count; i++)
        if (strcmp(first->origins[i].key, variable) == 0)
            return true;
    return false;
}

const char *side_task_keeps(const struct node *config, const struct custom_providers *customs,
                            const struct providers *providers, const char *name)
{
    if (strncmp(name, "custom:", 7) == 0) {
        bool is_default = providers->default_id != NULL && strcmp(providers->default_id, name) == 0;
        return is_default || is_named(config, customs, providers, name) ? name : NULL;
    }
    for (size_t i = 0; i < providers->count; i++)
        if (has_first_key_from(providers->items[i], name) &&
            is_named(config, customs, providers, providers->items[i]->id))
            return providers->items[i]->id;
    return NULL;
}
