#include "learn_keys.h"

#include <string.h>

#include "known_variables.h"
#include "learned_keys.h"
#include "setting_name.h"

/* Aliases may make a small file a huge tree. */
enum { MOST_NODES = 100000 };

static void learn(const struct node *node, const char *name, size_t *left)
{
    if (node == NULL || *left == 0)
        return;
    --*left;
    if (node->kind == NODE_STRING && setting_name_is_secret(name))
        learned_keys_add(node->text, node->len);
    for (size_t i = 0; node->kind == NODE_SEQUENCE && i < node->count; i++)
        learn(node->items[i], name, left);
    for (size_t i = 0; node->kind == NODE_MAP && i < node->pair_count; i++) {
        const char *key = node_string(node->pairs[i].key);
        learn(node->pairs[i].value, key == NULL ? "" : key, left);
    }
}

void learn_keys_of_config(const struct node *config)
{
    size_t left = MOST_NODES;
    learn(config, "", &left);
}

void learn_keys_of_environment(const struct environment *environment)
{
    for (size_t i = 0; i < environment->count; i++) {
        const struct binding *binding = &environment->items[i];
        if (setting_name_is_secret(binding->name) || known_variables_secret(binding->name, strlen(binding->name)))
            learned_keys_add(binding->value, binding->len);
    }
}
