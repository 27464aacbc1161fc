#include "task_keys.h"

#include <string.h>
#include <strings.h>

#include "blank.h"
#include "shown.h"
#include "variable_check.h"

struct tasks {
    struct resolver *r;
    struct draft *main_provider;
};

/* `https://api.example.com:8443/v1` -> `api.example.com:8443`; a user in front of it is left out. */
static const char *host_of(struct arena *arena, const char *url)
{
    const char *start = strstr(url, "://");
    start = start == NULL ? url : start + 3;
    size_t len = strcspn(start, "/?#");
    const char *at = memrchr(start, '@', len);
    size_t skipped = at == NULL ? 0 : (size_t)(at - start) + 1;
    return arena_strndup(arena, start + skipped, len - skipped);
}

/* An endpoint that only this task names. No pool of Hermes serves it. */
static struct draft *endpoint(struct resolver *r, const char *url)
{
    const struct custom_provider *known = custom_provider_by_url(r->arena, r->in->customs, url);
    if (known != NULL)
        return draft_for(r, known->id, NULL);
    struct draft *draft = draft_for(r, arena_printf(r->arena, "custom:%s", host_of(r->arena, url)), NULL);
    if (*draft->provider.base_url == '\0') {
        draft->provider.base_url = url;
        draft->provider.url_is_explicit = true;
        draft->provider.projected = false;
    }
    return draft;
}

static struct draft *named_provider(const struct tasks *t, const char *name)
{
    struct resolver *r = t->r;
    const struct provider_row *row = provider_table_find(name);
    const struct custom_provider *custom = custom_provider_find(r->in->customs, name);
    if (custom != NULL && (row == NULL || strcasecmp(row->id, name) != 0))
        return draft_for(r, custom->id, NULL);
    if (row == NULL || row->auth == PROVIDER_CUSTOM)
        return NULL;
    return draft_for(r, row->id, row);
}

static struct draft *target_of(const struct tasks *t, const struct node *entry)
{
    struct arena *arena = t->r->arena;
    const char *name = node_string(node_get(entry, "provider"));
    const char *url = node_string(node_get(entry, "base_url"));
    size_t len = 0;
    url = url == NULL ? "" : url_trimmed(arena, url);
    name = name == NULL ? "" : blank_strip(name, strlen(name), &len);
    name = arena_prefix(arena, name, len);
    bool main_one = len == 0 || strcasecmp(name, "auto") == 0 || strcasecmp(name, "main") == 0;
    struct draft *draft = main_one ? t->main_provider : named_provider(t, name);
    if (*url == '\0' || (draft != NULL && strcmp(draft->provider.base_url, url) == 0))
        return draft;
    return endpoint(t->r, url);
}

static void add_key_variable(const struct tasks *t, struct draft *draft, const struct node *node, const char *path)
{
    struct resolver *r = t->r;
    const char *name = node_string(node);
    if (name == NULL)
        return;
    if (environment_get(r->in->environment, name) != NULL) {
        draft_add_variable(r, draft, RANK_TASK, name);
        return;
    }
    struct diagnostic *d = diagnostic_add(r->diagnostics, SEVERITY_WARNING, "unset-variable", node->place,
                                          "%s names a variable that no env file sets", path);
    const char *near = d == NULL ? NULL : variable_check_near(r->in->environment, name);
    diagnostic_help(r->diagnostics, d, near != NULL ? "did you mean %s?" : "add it to .env", near);
}

static void add_entry(const struct tasks *t, const struct node *entry, const char *path)
{
    static const char *const variables[] = {"key_env", "api_key_env"};
    struct arena *arena = t->r->arena;
    const struct node *key = node_get(entry, "api_key");
    const struct node *variable = NULL;
    const char *variable_path = "";
    for (size_t i = 0; i < 2 && variable == NULL; i++)
        if (node_truthy(node_get(entry, variables[i]))) {
            variable = node_get(entry, variables[i]);
            variable_path = arena_printf(arena, "%s.%s", path, variables[i]);
        }
    if (!node_truthy(key) && variable == NULL)
        return; /* it uses the keys that its provider has */
    struct draft *draft = target_of(t, entry);
    if (draft == NULL) {
        (void)diagnostic_add(t->r->diagnostics, SEVERITY_WARNING, "key-without-provider", entry->place,
                             "the key of %s belongs to no provider: nothing uses it", path);
        return;
    }
    draft_add_config_key(t->r, draft, RANK_TASK, key, arena_printf(arena, "%s.api_key", path), false);
    add_key_variable(t, draft, variable, variable_path);
}

static void add_list(const struct tasks *t, const struct node *list, const char *path)
{
    if (node_is(list, NODE_MAP))
        add_entry(t, list, path);
    if (!node_is(list, NODE_SEQUENCE))
        return;
    for (size_t i = 0; i < list->count; i++)
        if (node_is(list->items[i], NODE_MAP))
            add_entry(t, list->items[i], arena_printf(t->r->arena, "%s[%zu]", path, i));
}

static void add_auxiliary(const struct tasks *t)
{
    struct arena *arena = t->r->arena;
    const struct node *all = node_get(t->r->in->config, "auxiliary");
    if (!node_is(all, NODE_MAP))
        return;
    for (size_t i = 0; i < all->pair_count; i++) {
        const char *name = node_string(all->pairs[i].key);
        const struct node *task = all->pairs[i].value;
        if (name == NULL || !node_is(task, NODE_MAP))
            continue;
        const char *path = arena_printf(arena, "auxiliary.%s", shown_name(arena, name));
        add_entry(t, task, path);
        add_list(t, node_get(task, "fallback_chain"), arena_printf(arena, "%s.fallback_chain", path));
    }
}

void task_keys_add(struct resolver *r, struct draft *main_provider)
{
    const struct tasks t = {r, main_provider};
    const struct node *config = r->in->config;
    add_list(&t, node_get(config, "fallback_providers"), "fallback_providers");
    add_list(&t, node_get(config, "fallback_model"), "fallback_model");
    add_auxiliary(&t);
    if (node_is(node_get(config, "delegation"), NODE_MAP))
        add_entry(&t, node_get(config, "delegation"), "delegation");
}
