#include "secret_sources.h"

#include <string.h>

/* 1Password sets what is listed; all others say at run time what they have. */
static bool lists_variables(const struct pair *source)
{
    const char *name = node_string(source->key);
    return name != NULL && strcmp(name, "onepassword") == 0;
}

bool secret_sources_may_set(const struct node *all, const char *name)
{
    for (size_t i = 0; node_is(all, NODE_MAP) && i < all->pair_count; i++) {
        const struct pair *source = &all->pairs[i];
        if (!node_truthy(node_get(source->value, "enabled")))
            continue;
        if (name == NULL || !lists_variables(source) || node_get(node_get(source->value, "env"), name) != NULL)
            return true;
    }
    return false;
}

bool secret_sources_replace(const struct node *all, const char *name)
{
    const struct node *source = node_get(all, "onepassword");
    const struct node *over = node_get(source, "override_existing");
    return node_truthy(node_get(source, "enabled")) && node_get(node_get(source, "env"), name) != NULL &&
           (over == NULL || node_truthy(over));
}
