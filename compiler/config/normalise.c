#include "normalise.h"

#include "map_edit.h"

static bool normalisation_triggered(const struct node *root)
{
    static const char *const root_keys[] = {"provider", "base_url", "context_length", "api_base"};
    static const char *const model_keys[] = {"api_base", "model", "name"};
    const struct node *model = node_get(root, "model");
    for (size_t i = 0; i < sizeof root_keys / sizeof root_keys[0]; i++)
        if (node_truthy(node_get(root, root_keys[i])))
            return true;
    for (size_t i = 0; i < sizeof model_keys / sizeof model_keys[0]; i++)
        if (node_truthy(node_get(model, model_keys[i])))
            return true;
    return false;
}

static void fill(struct arena *arena, struct node *model, const char *key, struct pair from)
{
    if (from.value != NULL && node_truthy(from.value) && !node_truthy(node_get(model, key)))
        map_edit_put(arena, model, key, from);
}

/* Hermes's _normalize_root_model_keys (0.18.2): root keys and old spellings move into `model`. */
static void normalise_model(struct arena *arena, struct node *root)
{
    if (!normalisation_triggered(root))
        return;
    struct pair *old = map_edit_find(root, "model");
    struct place place = old == NULL ? root->place : old->value->place;
    struct node *model = map_edit_copy(arena, old == NULL ? NULL : old->value, place);
    if (old != NULL && !node_is(old->value, NODE_MAP) && node_truthy(old->value))
        map_edit_put(arena, model, "default", *old);
    fill(arena, model, "provider", map_edit_take(root, "provider"));
    fill(arena, model, "base_url", map_edit_take(root, "base_url"));
    fill(arena, model, "context_length", map_edit_take(root, "context_length"));
    fill(arena, model, "base_url", map_edit_take(root, "api_base"));
    fill(arena, model, "base_url", map_edit_take(model, "api_base"));
    const struct pair *spelt_model = node_pair(model, "model");
    if (spelt_model != NULL)
        fill(arena, model, "default", *spelt_model);
    const struct pair *spelt_name = node_pair(model, "name");
    if (spelt_name != NULL)
        fill(arena, model, "default", *spelt_name);
    if (node_truthy(node_get(model, "default"))) {
        (void)map_edit_take(model, "model");
        (void)map_edit_take(model, "name");
    }
    map_edit_put(arena, root, "model", (struct pair){old == NULL ? NULL : old->key, model});
}

static void normalise_max_turns(struct arena *arena, struct node *root)
{
    struct pair turns = map_edit_take(root, "max_turns");
    const struct node *agent = node_get(root, "agent");
    if (turns.value == NULL || (agent != NULL && node_truthy(agent) && !node_is(agent, NODE_MAP)))
        return;
    struct node *rebuilt = map_edit_copy(arena, agent, agent == NULL ? turns.value->place : agent->place);
    const struct node *own = node_get(rebuilt, "max_turns");
    if (own == NULL || node_is(own, NODE_NULL))
        map_edit_put(arena, rebuilt, "max_turns", turns);
    map_edit_put(arena, root, "agent", (struct pair){NULL, rebuilt});
}

struct node *normalise(struct arena *arena, const struct node *map)
{
    struct node *root = map_edit_copy(arena, map, map == NULL ? (struct place){0} : map->place);
    normalise_max_turns(arena, root);
    normalise_model(arena, root);
    return root;
}
