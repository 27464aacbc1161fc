#include "gateway_view.h"

#include <string.h>

#include "key_index.h"
#include "map_edit.h"
#include "normalise.h"
#include "references.h"
#include "root_variables.h"

/* Hermes's _deep_merge: maps recurse, null over a map is ignored, everything else replaces; lists are never joined. */
static struct node *merge(struct arena *arena, struct node *base, struct node *over)
{
    if (node_is(base, NODE_MAP) && node_is(over, NODE_NULL))
        return base;
    if (!node_is(base, NODE_MAP) || !node_is(over, NODE_MAP))
        return over;
    size_t room = base->pair_count + over->pair_count;
    struct node *result = map_edit_new(arena, base->place, room);
    struct key_index index = key_index_create(arena, room);
    for (size_t i = 0; i < base->pair_count; i++)
        if (key_index_find(&index, result, base->pairs[i].key) == NULL)
            key_index_append(&index, result, base->pairs[i]);
    for (size_t i = 0; i < over->pair_count; i++) {
        struct pair *found = key_index_find(&index, result, over->pairs[i].key);
        if (found == NULL)
            key_index_append(&index, result, over->pairs[i]);
        else
            found->value = merge(arena, found->value, over->pairs[i].value);
    }
    return result;
}

/* A managed model that is only a name does not take the user's other settings of it away. */
static void name_model(struct arena *arena, const struct node *user, struct node *managed)
{
    struct pair *model = map_edit_find(managed, "model");
    if (model == NULL || node_is(model->value, NODE_MAP) || !node_truthy(model->value) ||
        !node_is(node_get(user, "model"), NODE_MAP))
        return;
    struct node *named = map_edit_new(arena, model->value->place, 1);
    map_edit_put(arena, named, "default", *model);
    model->value = named;
}

/* The sections that say whom Hermes asks and with which key; what stands elsewhere fails by itself. */
static bool names_providers(const struct pair *pair)
{
    static const char *const sections[] = {"model", "providers", "custom_providers"};
    const char *name = node_string(pair->key);
    bool found = pair->value->kind != NODE_MAP && pair->value->kind != NODE_SEQUENCE;
    for (size_t i = 0; i < sizeof sections / sizeof *sections && !found; i++)
        found = name != NULL && strcmp(name, sections[i]) == 0;
    return found;
}

static void find_root_scalars(struct references *r, const struct node *root)
{
    r->root = root;
    for (size_t i = 0; i < root->pair_count; i++) {
        const char *name = node_string(root->pairs[i].key);
        if (name != NULL && root_variables_text(root->pairs[i].value) != NULL)
            name_table_put(r->arena, &r->root_scalars, name, i);
    }
}

/* What stands at the root of config.yaml by itself is put into the gateway's environment, and then found there by
 * everything else. */
static void expand_root(struct references *r, struct node *root)
{
    for (int collections = 0; collections <= 1; collections++) {
        for (size_t i = 0; i < root->pair_count; i++) {
            struct pair *pair = &root->pairs[i];
            bool collection = pair->value->kind == NODE_MAP || pair->value->kind == NODE_SEQUENCE;
            r->vital = names_providers(pair);
            if (collection == collections)
                references_expand(r, pair);
        }
        if (collections == 0) {
            find_root_scalars(r, root);
            root_variables(r->arena, root, r->environment, r->diagnostics);
        }
    }
}

struct node *gateway_view(struct arena *arena, const struct gateway_view_input *input, struct diagnostics *diagnostics)
{
    struct references references = {.arena = arena,
                                    .environment = input->environment,
                                    .shell = input->shell,
                                    .no_env = input->no_env,
                                    .diagnostics = diagnostics};
    struct node *user = map_edit_new(arena, (struct place){0}, 0);
    if (node_is(input->user, NODE_MAP))
        user = map_edit_copy_node(arena, input->user);
    struct node *merged = user;
    if (node_is(input->managed, NODE_MAP)) {
        struct node *managed = normalise(arena, input->managed);
        name_model(arena, user, managed);
        merged = merge(arena, user, managed);
    }
    struct node *root = normalise(arena, merged); /* with pairs of its own */
    references.secrets = node_get(root, "secrets");
    expand_root(&references, root);
    return root;
}
