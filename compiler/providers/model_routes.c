#include "model_routes.h"

#include <string.h>

#include "shown.h"

const char *const model_routes_members[] = {"api_key", "base_url", "provider", NULL};

const char *model_routes_path(struct arena *arena, const char *alias, const char *member)
{
    return arena_printf(arena, MODEL_ROUTES ".%s.%s", shown_name(arena, alias), member);
}

bool model_routes_are(const char *path)
{
    return strncmp(path, MODEL_ROUTES ".", sizeof MODEL_ROUTES) == 0;
}

const struct node *model_routes_of(const struct node *config)
{
    static const char *const path[] = {"platforms", "api_server", "extra", "model_routes"};
    const struct node *node = config;
    for (size_t i = 0; i < sizeof path / sizeof *path; i++)
        node = node_get(node, path[i]);
    return node_is(node, NODE_MAP) && node->pair_count > 0 ? node : NULL;
}

const char *model_routes_value(struct arena *arena, const struct node *routes, const char *path)
{
    for (size_t i = 0; routes != NULL && i < routes->pair_count; i++) {
        const char *alias = node_string(routes->pairs[i].key);
        for (const char *const *member = model_routes_members; alias != NULL && *member != NULL; member++) {
            const char *value = node_string(node_get(routes->pairs[i].value, *member));
            if (value != NULL && strcmp(model_routes_path(arena, alias, *member), path) == 0)
                return value;
        }
    }
    return "";
}
