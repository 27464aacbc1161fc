#include "root_variables.h"

#include <string.h>

#include "arena.h"
#include "provider_table.h"
#include "shown.h"
#include "source.h"

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

static bool is_providers(const char *name)
{
    for (size_t i = 0; i < provider_table_count; i++)
        for (size_t k = 0; provider_table[i].key_envs[k] != NULL; k++)
            if (strcmp(provider_table[i].key_envs[k], name) == 0)
                return true;
    return false;
}

/* Of a provider's key it is said where that is made of it. */
static void report_hidden(struct diagnostics *diagnostics, const struct binding *bound, const struct binding *root)
{
    if (strcmp(bound->value, root->value) == 0 || is_providers(root->name) || bound->place.source == NULL)
        return;
    struct diagnostic *d =
        diagnostic_add(diagnostics, CODE_SHADOWED_VARIABLE, root->place, "%s has a different value in %s, which wins",
                       shown_name(diagnostics->arena, root->name), bound->place.source->label);
    diagnostic_help(diagnostics, d, "remove the one you do not want");
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
                               "YAML reads this name as %s: Hermes's gateway stops passing on its settings here",
                               node_kind_name(key->kind));
            diagnostic_help(diagnostics, d, "put it in quotes, or remove it");
        } else if (called_like_a_variable(key->text)) {
            struct binding binding = {.name = key->text, .value = text, .len = strlen(text), .place = value->place};
            const struct binding *bound = environment_get(environment, key->text);
            if (bound == NULL) {
                environment_add(arena, environment, binding);
                continue;
            }
            report_hidden(diagnostics, bound, &binding);
            environment_hide(arena, environment, binding);
        }
    }
}
