#include "explain_unset.h"

#include <string.h>

#include "config_schema.h"
#include "custom_provider.h"
#include "json_write.h"
#include "known_variables.h"
#include "provider_table.h"
#include "shown.h"

struct unset {
    const char *kind; /* as JSON has it: "variable", "config", "provider" */
    const char *name; /* as it may be shown */
    const char *help; /* who reads it; of a provider: what gives it a key */
};

/* The provider that takes a key from the variable NAME, or NULL. */
static const char *table_reader(const char *name)
{
    for (size_t i = 0; i < provider_table_count; i++)
        for (const char *const *variable = provider_table[i].key_envs; *variable != NULL; variable++)
            if (strcmp(*variable, name) == 0)
                return provider_table[i].id;
    return NULL;
}

/* The setting below NODE that names NAME as the variable of its key, or NULL. */
static const char *setting_that_names(struct arena *arena, const struct node *node, const char *path, const char *name)
{
    static const char *const settings[] = {"key_env", "api_key_env", "keyEnv", "apiKeyEnv"};
    for (size_t i = 0; node_is(node, NODE_MAP) && i < sizeof settings / sizeof *settings; i++) {
        const char *variable = node_string(node_get(node, settings[i]));
        if (variable != NULL && strcmp(variable, name) == 0)
            return arena_printf(arena, "%s.%s", path, settings[i]);
    }
    return NULL;
}

static const char *config_reader(const struct compilation *c, const char *name)
{
    struct arena *arena = c->arena;
    const struct node *list = node_get(c->config, "custom_providers");
    const struct node *map = node_get(c->config, "providers");
    const char *found = setting_that_names(arena, node_get(c->config, "model"), "model", name);
    for (size_t i = 0; found == NULL && node_is(list, NODE_SEQUENCE) && i < list->count; i++)
        found = setting_that_names(arena, list->items[i], arena_printf(arena, "custom_providers[%zu]", i), name);
    for (size_t i = 0; found == NULL && node_is(map, NODE_MAP) && i < map->pair_count; i++) {
        const char *key = node_string(map->pairs[i].key);
        if (key != NULL)
            found = setting_that_names(arena, map->pairs[i].value,
                                       arena_printf(arena, "providers.%s", shown_name(arena, key)), name);
    }
    return found;
}

static bool find_variable(const struct compilation *c, const char *name, struct unset *ret)
{
    const char *setting = config_reader(c, name);
    const char *provider = table_reader(name);
    if (setting == NULL && !known_variables_has(name, strlen(name)))
        return false;
    *ret = (struct unset){.kind = "variable", .name = shown_name(c->arena, name), .help = "Hermes"};
    if (setting != NULL)
        ret->help = arena_printf(c->arena, "Hermes, as %s says", setting);
    else if (provider != NULL)
        ret->help = arena_printf(c->arena, "Hermes, as a key for %s", provider);
    return true;
}

/* PATH has a rule, or has one with any name in its second place. */
static bool find_setting(const struct compilation *c, const char *path, struct unset *ret)
{
    size_t first = strcspn(path, ".");
    size_t second = path[first] == '.' ? first + 1 + strcspn(path + first + 1, ".") : first;
    const char *any = arena_printf(c->arena, "%.*s.*%s", (int)first, path, path + second);
    if (config_schema_find(path) == NULL && (second == first || config_schema_find(any) == NULL))
        return false;
    *ret = (struct unset){
        .kind = "config", .name = shown_name(c->arena, path), .help = "Hermes's gateway; the runtime library"};
    return true;
}

static bool find_provider(const struct compilation *c, const char *name, struct unset *ret)
{
    const struct provider_row *row = provider_table_find(name);
    if (row == NULL || row->auth == PROVIDER_CUSTOM)
        return false;
    *ret = (struct unset){.kind = "provider", .name = row->id, .help = "log in with `hermes auth`"};
    if (row->key_envs[0] != NULL)
        ret->help =
            arena_printf(c->arena, "set %s in .env, or providers.%s.api_key in config.yaml", row->key_envs[0], row->id);
    return true;
}

static bool find(const struct compilation *c, const char *subject, struct unset *ret)
{
    return find_variable(c, subject, ret) || find_provider(c, subject, ret) || find_setting(c, subject, ret);
}

bool explain_unset(const struct compilation *c, const char *subject, FILE *stream)
{
    struct unset unset;
    if (!find(c, subject, &unset))
        return false;
    if (strcmp(unset.kind, "provider") == 0)
        (void)fprintf(stream, "%s\n  no key: no source has one; %s\n", unset.name, unset.help);
    else
        (void)fprintf(stream, "%s\n  value     unset: no file of this home sets it\n  read by   %s\n", unset.name,
                      unset.help);
    return true;
}

bool explain_unset_json(struct text *out, const struct compilation *c, const char *subject)
{
    struct unset unset;
    if (!find(c, subject, &unset))
        return false;
    json_write_member(out, unset.kind, unset.name);
    json_write_truth(out, "set", false);
    return true;
}
