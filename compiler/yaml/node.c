#include "node.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool node_is(const struct node *node, enum node_kind kind)
{
    return node != NULL && node->kind == kind;
}

const struct pair *node_pair(const struct node *map, const char *key)
{
    size_t len = strlen(key);
    if (!node_is(map, NODE_MAP))
        return NULL;
    for (size_t i = 0; i < map->pair_count; i++) {
        const struct node *name = map->pairs[i].key;
        if (name->kind == NODE_STRING && name->len == len && memcmp(name->text, key, len) == 0)
            return &map->pairs[i];
    }
    return NULL;
}

struct node *node_get(const struct node *map, const char *key)
{
    const struct pair *pair = node_pair(map, key);
    return pair == NULL ? NULL : pair->value;
}

const char *node_string(const struct node *node)
{
    return node_is(node, NODE_STRING) ? node->text : NULL;
}

double node_number(const struct node *node)
{
    if (node->kind == NODE_BOOL)
        return node->boolean;
    if (node->kind == NODE_FLOAT && strstr(node->text, ".inf") != NULL)
        return *node->text == '-' ? -INFINITY : INFINITY;
    return node->kind == NODE_FLOAT && strcmp(node->text, ".nan") == 0 ? NAN : strtod(node->text, NULL);
}

bool node_truthy(const struct node *node)
{
    if (node == NULL)
        return false;
    switch (node->kind) {
    case NODE_NULL:
        return false;
    case NODE_BOOL:
        return node->boolean;
    case NODE_INTEGER:
        return strcmp(node->text, "0") != 0;
    case NODE_FLOAT:
        return node_number(node) < 0 || node_number(node) > 0 || isnan(node_number(node));
    case NODE_SEQUENCE:
        return node->count > 0;
    case NODE_MAP:
    case NODE_SET:
        return node->pair_count > 0;
    case NODE_TIMESTAMP:
        return true;
    case NODE_STRING:
    case NODE_BINARY:
        break;
    }
    return node->len > 0;
}

const char *node_kind_name(enum node_kind kind)
{
    static const char *const names[] = {"nothing", "a boolean",   "a number", "a number",  "a string",
                                        "a date",  "binary data", "a list",   "a mapping", "a set"};
    return names[kind];
}
