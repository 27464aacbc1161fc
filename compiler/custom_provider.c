#include "custom_provider.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "blank.h"
#include "shown_value.h"

enum { MAX_NAME = 256 };

#define SCHEME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-."

struct collector {
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct custom_providers *all;
    struct name_table seen; /* name, URL and model of each */
};

const char *url_trimmed(struct arena *arena, const char *url)
{
    size_t len;
    url = strip_blanks(url, strlen(url), &len);
    while (len > 0 && url[len - 1] == '/')
        len--;
    return arena_strndup(arena, url, len);
}

/* A URL needs a scheme and a host; a template is taken unchecked. */
static bool url_plausible(const char *url)
{
    const char *scheme = strstr(url, "://");
    if (strchr(url, '{') != NULL && strchr(url, '}') != NULL)
        return true;
    return scheme != NULL && isalpha((unsigned char)*url) && strspn(url, SCHEME_LETTERS) == (size_t)(scheme - url) &&
           strchr("/?#", scheme[3]) == NULL;
}

/* The first of NAMES that is there with something in it; *RET_NAME is how it was spelt. */
static const struct node *first_of(const struct node *entry, const char *const *names, const char **ret_name)
{
    for (; *names != NULL; names++) {
        const struct node *value = node_get(entry, *names);
        if (value != NULL && node_truthy(value)) {
            *ret_name = *names;
            return value;
        }
    }
    return NULL;
}

static const char *find_url(struct collector *c, const struct node *entry, bool from_map)
{
    /* At run time Hermes reads the two forms in opposite orders (hermes-config, precedence traps). */
    static const char *const list_order[] = {"base_url", "baseUrl", "url", "api", NULL};
    static const char *const map_order[] = {"api", "url", "base_url", "baseUrl", NULL};
    const char *const *names = from_map ? map_order : list_order;
    for (; *names != NULL; names++) {
        const char *url = node_string(node_get(entry, *names));
        if (url != NULL && url_plausible(url_trimmed(c->arena, url)))
            return url_trimmed(c->arena, url);
    }
    return "";
}

static bool has_controls(const char *name)
{
    for (; *name != '\0'; name++)
        if ((unsigned char)*name < 0x20 || *name == 0x7F)
            return true;
    return false;
}

static const char *pool_id(struct arena *arena, const char *name)
{
    char normal[MAX_NAME];
    (void)provider_normalise(name, normal, sizeof normal);
    return arena_printf(arena, "custom:%s", normal);
}

static void add(struct collector *c, struct custom_provider provider)
{
    void *items = c->all->items;
    arena_grow(c->arena, &items, &c->all->capacity, c->all->count + 1, sizeof provider);
    c->all->items = items;
    c->all->items[c->all->count++] = provider;
}

static void index_first(struct collector *c, struct name_table *table, const char *name, size_t number)
{
    if (name_table_get(table, name) == NULL)
        name_table_put(c->arena, table, name, number);
}

/* The first of a name or URL is the one that is found. */
static void index_names(struct collector *c)
{
    char alias[MAX_NAME];
    for (size_t i = 0; i < c->all->count; i++) {
        const struct custom_provider *provider = &c->all->items[i];
        if (provider->row != NULL)
            continue;
        index_first(c, &c->all->urls, provider->base_url, i);
        index_first(c, &c->all->names, provider->id + strlen("custom:"), i);
        if (provider->alias == NULL)
            continue;
        (void)provider_normalise(provider->alias, alias, sizeof alias);
        index_first(c, &c->all->names, arena_strdup(c->arena, alias), i);
    }
}

static void dropped(struct collector *c, const struct node *entry, const char *path, const char *why)
{
    struct diagnostic *d =
        diagnose(c->diagnostics, SEVERITY_WARNING, "provider-dropped", entry->place, "Hermes drops %s: %s", path, why);
    diagnostic_help(c->diagnostics, d, "give it a name and a base_url with scheme and host");
}

static void read_keys(struct collector *c, const struct node *entry, struct custom_provider *provider)
{
    static const char *const keys[] = {"api_key", "apiKey", NULL};
    static const char *const envs[] = {"key_env", "api_key_env", "keyEnv", "apiKeyEnv", NULL};
    const char *spelt = "";
    const struct node *headers = node_get(entry, "extra_headers");
    provider->headers = node_is(headers, NODE_MAP) ? headers : NULL;
    provider->api_key = first_of(entry, keys, &spelt);
    provider->api_key_path = arena_printf(c->arena, "%s.%s", provider->path, spelt);
    provider->key_env = first_of(entry, envs, &spelt);
    provider->key_env_path = arena_printf(c->arena, "%s.%s", provider->path, spelt);
}

/* Hermes takes the same name, URL and model, in any case, for the same provider, and the first one counts. */
static bool repeated(struct collector *c, const struct node *entry, const struct custom_provider *provider)
{
    static const char *const models[] = {"model", "default_model", "defaultModel", NULL};
    const char *spelt;
    const char *model = node_string(first_of(entry, models, &spelt));
    char *all = arena_printf(c->arena, "%s\n%s\n%s", provider->name, provider->base_url, model == NULL ? "" : model);
    for (char *at = all; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    if (name_table_get(&c->seen, all) == NULL) {
        name_table_put(c->arena, &c->seen, all, 0);
        return false;
    }
    struct diagnostic *d = diagnose(c->diagnostics, SEVERITY_WARNING, "provider-dropped", entry->place,
                                    "Hermes drops %s: its name, URL and model stand before it already", provider->path);
    diagnostic_help(c->diagnostics, d, "remove one of the two");
    return true;
}

static void add_listed(struct collector *c, const struct node *entry, size_t index)
{
    const char *path = arena_printf(c->arena, "custom_providers[%zu]", index);
    const char *name = node_string(node_get(entry, "name"));
    const char *url = node_is(entry, NODE_MAP) ? find_url(c, entry, false) : "";
    size_t len = 0;
    if (!node_is(entry, NODE_MAP)) {
        dropped(c, entry, path, "it is not a map");
        return;
    }
    if (name == NULL || (strip_blanks(name, strlen(name), &len), len == 0) || len >= MAX_NAME) {
        dropped(c, entry, path, "it has no name");
        return;
    }
    if (has_controls(name)) {
        dropped(c, entry, path, "its name has control characters");
        return;
    }
    if (*url == '\0') {
        dropped(c, entry, path, "it has no usable URL");
        return;
    }
    struct custom_provider provider = {.id = pool_id(c->arena, name), .name = name, .path = path, .base_url = url};
    read_keys(c, entry, &provider);
    if (!repeated(c, entry, &provider))
        add(c, provider);
}

static void add_mapped(struct collector *c, const struct pair *pair)
{
    const char *key = node_string(pair->key);
    if (key == NULL || strlen(key) >= MAX_NAME || has_controls(key))
        return;
    const char *path = arena_printf(c->arena, "providers.%s", shown_name(c->arena, key));
    if (!node_is(pair->value, NODE_MAP)) {
        if (!node_is(pair->value, NODE_NULL))
            dropped(c, pair->value, path, "it is not a map");
        return;
    }
    const char *url = find_url(c, pair->value, true);
    const struct provider_row *row = provider_find(key);
    const char *name = node_string(node_get(pair->value, "name"));
    struct custom_provider provider = {.name = name != NULL && *name != '\0' && !has_controls(name) ? name : key,
                                       .alias = key,
                                       .path = path,
                                       .base_url = url};
    /* A built-in id is never shadowed by the map; an alias is, once the entry has a URL of its own. */
    bool canonical = row != NULL && strcasecmp(row->id, key) == 0 && row->auth != PROVIDER_CUSTOM;
    bool adds_to_row = row != NULL && row->auth != PROVIDER_CUSTOM && (canonical || *url == '\0');
    provider.row = adds_to_row ? row : NULL;
    provider.id = adds_to_row ? row->id : pool_id(c->arena, provider.name);
    if (!adds_to_row && *url == '\0') {
        dropped(c, pair->value, path, "it has no usable URL");
        return;
    }
    read_keys(c, pair->value, &provider);
    if (adds_to_row || !repeated(c, pair->value, &provider))
        add(c, provider);
}

struct custom_providers custom_providers_of(struct arena *arena, const struct node *config,
                                            struct diagnostics *diagnostics)
{
    struct custom_providers all = {0};
    struct collector c = {.arena = arena, .diagnostics = diagnostics, .all = &all};
    const struct node *list = node_get(config, "custom_providers");
    const struct node *map = node_get(config, "providers");
    if (list != NULL && !node_is(list, NODE_SEQUENCE) && !node_is(list, NODE_NULL))
        (void)diagnose(diagnostics, SEVERITY_WARNING, "custom-providers-ignored", list->place,
                       "custom_providers is not a list: Hermes then ignores it and the providers map");
    if (node_is(list, NODE_SEQUENCE))
        for (size_t i = 0; i < list->count; i++)
            add_listed(&c, list->items[i], i);
    if (node_is(map, NODE_MAP))
        for (size_t i = 0; i < map->pair_count; i++)
            add_mapped(&c, &map->pairs[i]);
    index_names(&c);
    return all;
}

const struct custom_provider *custom_provider_find(const struct custom_providers *all, const char *name)
{
    char wanted[MAX_NAME + 8];
    (void)provider_normalise(name, wanted, sizeof wanted);
    const size_t *index = name_table_get(&all->names, strncmp(wanted, "custom:", 7) == 0 ? wanted + 7 : wanted);
    return index == NULL ? NULL : &all->items[*index];
}

const struct custom_provider *custom_provider_by_url(const struct custom_providers *all, const char *url)
{
    const size_t *index = name_table_get(&all->urls, url);
    return index == NULL ? NULL : &all->items[*index];
}
