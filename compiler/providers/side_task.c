#include "side_task.h"

#include <string.h>

bool side_task_asks(const struct node *config, const struct custom_providers *customs,
                    const struct providers *providers, const char *id)
{
    const struct node *tasks = node_get(config, "auxiliary");
    if (strncmp(id, "custom:", 7) != 0)
        return false;
    if (providers->default_id != NULL && strcmp(providers->default_id, id) == 0)
        return true;
    for (size_t i = 0; node_is(tasks, NODE_MAP) && i < tasks->pair_count; i++) {
        const char *name = node_string(node_get(tasks->pairs[i].value, "provider"));
        const struct custom_provider *custom = name == NULL ? NULL : custom_provider_find(customs, name);
        if (custom != NULL && strcmp(custom->id, id) == 0)
            return true;
    }
    return false;
}
