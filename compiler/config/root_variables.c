#include "root_variables.h"

#include <string.h>

#include "arena.h"

static bool called_like_a_variable(const char *name)
{
    size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return len > 0 && name[len] == '\0' && (name[0] < '0' || name[0] > '9');
}

const char *root_variables_text(const struct node *node)
{
    switch (node->kind) {
    case NODE_BOOL:
        return node->boolean ? "True" : "False";
    case NODE_STRING:
    case NODE_INTEGER:
        return node->text;
    case NODE_FLOAT: /* .inf, -.inf and .nan are inf, -inf and nan */
        return strncmp(node->text, "-.", 2) == 0 ? "-inf" : node->text + (node->text[0] == '.');
    default:
        return NULL;
    }
}

void root_variables(struct arena *arena, const struct node *config, struct environment *environment,
                    struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < config->pair_count; i++) {
        const struct node *key = config->pairs[i].key;
        const struct node *value = config->pairs[i].value;
        const char *text = root_variables_text(value);
        if (text == NULL)
            continue;
        if (key->kind != NODE_STRING) {
            struct diagnostic *d =
                diagnostic_add(diagnostics, CODE_ROOT_KEY_NOT_TEXT, key->place,
                               "YAML makes %s of this key: Hermes's gateway stops handing on its settings here",
                               node_kind_name(key->kind));
            diagnostic_help(diagnostics, d, "put it in quotes, or remove it");
        } else if (called_like_a_variable(key->text)) {
            struct binding binding = {.name = key->text, .value = text, .len = strlen(text), .place = value->place};
            if (environment_get(environment, key->text) == NULL)
                environment_add(arena, environment, binding);
            else
                environment_hide(arena, environment, binding);
        }
    }
}
