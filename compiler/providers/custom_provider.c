#include "custom_provider.h"

#include <string.h>
#include <strings.h>

#include "blank.h"
#include "setting_name.h"
#include "near_name.h"
#include "config_schema.h"
#include "lower_case.h"
#include "shown.h"
#include "endpoint.h"
#include "url_check.h"

struct collector {
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct custom_providers *all;
    struct name_table seen; /* name, URL and model of those that share a name */
};

/* The first of NAMES that is there with something in it. */
static const struct pair *first_of(const struct node *entry, const char *const *names)
{
    for (; *names != NULL; names++) {
        const struct pair *pair = node_pair(entry, *names);
        if (pair != NULL && node_truthy(pair->value))
            return pair;
    }
    return NULL;
}

const struct pair *custom_provider_key(const struct custom_provider *custom)
{
    static const char *const names[] = {"api_key", "apiKey", NULL};
    return first_of(custom->entry, names);
}

const struct pair *custom_provider_variable(const struct custom_provider *custom)
{
    static const char *const names[] = {"key_env", "api_key_env", "keyEnv", "apiKeyEnv", NULL};
    return first_of(custom->entry, names);
}

static void put_path(const struct custom_provider *custom, struct text *out)
{
    if (custom->alias == NULL)
        text_printf(out, "custom_providers[%zu]", custom->index);
    else
        text_printf(out, "providers.%s", shown_name(out->arena, custom->alias));
}

void custom_provider_path(const struct custom_provider *custom, const struct pair *member, struct text *ret)
{
    put_path(custom, ret);
    text_printf(ret, ".%s", member->key->text);
}

static const struct pair *find_url(struct collector *c, const struct node *entry, bool from_map)
{
    /* At run time Hermes reads the two forms in opposite orders (hermes-config, precedence traps). */
    static const char *const list_order[] = {"base_url", "baseUrl", "url", "api", NULL};
    static const char *const map_order[] = {"api", "url", "base_url", "baseUrl", NULL};
    const char *const *names = from_map ? map_order : list_order;
    for (; *names != NULL; names++) {
        const struct pair *pair = node_pair(entry, *names);
        const char *url = pair == NULL ? NULL : node_string(pair->value);
        if (url != NULL && endpoint_plausible(endpoint_trimmed(c->arena, url)))
            return pair;
    }
    return NULL;
}

static void take_url(struct collector *c, struct custom_provider *provider, bool from_map)
{
    const struct pair *pair = find_url(c, provider->entry, from_map);
    provider->base_url = "";
    if (pair == NULL)
        return;
    provider->base_url = endpoint_trimmed(c->arena, node_string(pair->value));
    provider->url = pair;
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
    char normal[PROVIDER_NAME_SIZE];
    (void)provider_table_normalise(name, normal, sizeof normal);
    return arena_printf(arena, "custom:%s", normal);
}

/* The first of a name is the one that is found. */
static void index_first(struct collector *c, struct name_table *table, const char *name, size_t number)
{
    if (name_table_get(table, name) == NULL)
        name_table_put(c->arena, table, name, number);
}

static void add(struct collector *c, struct custom_provider provider)
{
    struct custom_providers *all = c->all;
    char alias[PROVIDER_NAME_SIZE];
    all->items[all->count++] = provider;
    if (provider.row != NULL)
        return;
    index_first(c, &all->names, provider.id + strlen("custom:"), all->count - 1);
    if (provider.alias == NULL)
        return;
    (void)provider_table_normalise(provider.alias, alias, sizeof alias);
    if (name_table_get(&all->names, alias) == NULL)
        name_table_put(c->arena, &all->names, arena_strdup(c->arena, alias), all->count - 1);
}

/* Hermes's reading of `enabled`: whatever is not plainly false. */
static bool enabled(const struct node *entry)
{
    static const char *const off[] = {"false", "0", "no", "off"};
    const struct node *flag = node_get(entry, "enabled");
    const char *text = node_string(flag);
    size_t len;
    if (text == NULL)
        return flag == NULL || node_truthy(flag);
    text = blank_strip(text, strlen(text), &len);
    for (size_t i = 0; i < sizeof off / sizeof *off; i++)
        if (strlen(off[i]) == len && strncasecmp(text, off[i], len) == 0)
            return false;
    return true;
}

static void put_name(struct collector *c, struct name_table *table, const char *name)
{
    char normal[PROVIDER_NAME_SIZE];
    (void)provider_table_normalise(name, normal, sizeof normal);
    name_table_put(c->arena, table, arena_strdup(c->arena, normal), 0);
}

static void dropped(struct collector *c, const struct custom_provider *provider, const char *why)
{
    struct text path = {.arena = c->arena};
    put_path(provider, &path);
    struct diagnostic *d = diagnostic_add(c->diagnostics, CODE_PROVIDER_DROPPED, provider->entry->place,
                                          "Hermes ignores %s: %s", path.bytes, why);
    struct near_name near = {.written = provider->alias == NULL ? "" : provider->alias};
    provider_table_consider(&near);
    if (near.best != NULL)
        diagnostic_help(c->diagnostics, d, "did you mean `%s`? A provider of your own needs a base_url", near.best);
    else
        diagnostic_help(c->diagnostics, d, "give it a name and a base_url with scheme and host");
}

static char *identity(struct collector *c, const struct custom_provider *provider)
{
    static const char *const models[] = {"model", "default_model", "defaultModel", NULL};
    const struct pair *pair = first_of(provider->entry, models);
    const char *model = pair == NULL ? NULL : node_string(pair->value);
    const char *all =
        arena_printf(c->arena, "%s\n%s\n%s", provider->name, provider->base_url, model == NULL ? "" : model);
    size_t size = lower_case(all, strlen(all), NULL, 0) + 1;
    char *lower = arena_alloc(c->arena, size);
    (void)lower_case(all, strlen(all), lower, size);
    return lower;
}

/* Hermes takes the same name, URL and model, in any case, for the same provider, and the first one counts. Only those
 * with a name that was there before are compared. */
static bool repeated(struct collector *c, const struct custom_provider *provider)
{
    const uint32_t *namesake = name_table_get(&c->all->names, provider->id + strlen("custom:"));
    if (namesake == NULL)
        return false;
    name_table_put(c->arena, &c->seen, identity(c, &c->all->items[*namesake]), 0);
    const char *own = identity(c, provider);
    if (name_table_get(&c->seen, own) == NULL) {
        name_table_put(c->arena, &c->seen, own, 0);
        return false;
    }
    struct text path = {.arena = c->arena};
    put_path(provider, &path);
    struct diagnostic *d =
        diagnostic_add(c->diagnostics, CODE_PROVIDER_DROPPED, provider->entry->place,
                       "Hermes ignores %s: an entry above has the same name, URL and model", path.bytes);
    diagnostic_help(c->diagnostics, d, "remove one of the two");
    return true;
}

/* Two entries that Hermes takes for one name: only the first is found by it, and its pool holds the keys of both. A key
 * must not get to the other one's URL. */
static bool name_is_taken(struct collector *c, const struct custom_provider *provider)
{
    const uint32_t *namesake = name_table_get(&c->all->names, provider->id + strlen("custom:"));
    if (namesake == NULL || strcmp(c->all->items[*namesake].base_url, provider->base_url) == 0)
        return false;
    c->all->items[*namesake].shared_name = true;
    struct text path = {.arena = c->arena};
    struct text other = {.arena = c->arena};
    put_path(provider, &path);
    put_path(&c->all->items[*namesake], &other);
    struct diagnostic *d = diagnostic_add(
        c->diagnostics, CODE_PROVIDER_DROPPED, provider->entry->place,
        "%s is not compiled: Hermes treats its name as that of %s, which has another URL", path.bytes, other.bytes);
    diagnostic_help(c->diagnostics, d, "rename one of the two; names that differ only in case or spaces are the same");
    return true;
}

/* Hermes knows no limit; what goes through here has the names in fields of a fixed size. */
static bool name_is_too_long(struct collector *c, const struct custom_provider *provider)
{
    const size_t most = PROVIDER_NAME_SIZE - sizeof "custom:";
    const char *alias = provider->alias == NULL ? "" : provider->alias;
    if (provider_table_normalise(provider->name, NULL, 0) <= most && provider_table_normalise(alias, NULL, 0) <= most)
        return false;
    struct diagnostic *d =
        diagnostic_add_as(c->diagnostics, SEVERITY_ERROR, CODE_PROVIDER_DROPPED, provider->entry->place,
                          "the name of this provider has more than %zu bytes", most);
    diagnostic_help(c->diagnostics, d, "give it a shorter one");
    return true;
}

static void add_custom(struct collector *c, struct custom_provider provider)
{
    if (name_is_too_long(c, &provider))
        return;
    provider.id = pool_id(c->arena, provider.name);
    if (!name_is_taken(c, &provider) && !repeated(c, &provider))
        add(c, provider);
}

/* Why Hermes drops it, or NULL. */
static const char *why_unlisted(const struct custom_provider *provider)
{
    size_t len = 0;
    if (provider->name == NULL || (blank_strip(provider->name, strlen(provider->name), &len), len == 0))
        return "it has no name";
    if (has_controls(provider->name))
        return "its name has control characters";
    return NULL;
}

/* What is meant for its URL, and is none. */
static const struct pair *no_url(const struct node *entry)
{
    static const char *const names[] = {"base_url", "baseUrl", "url", "api", NULL};
    return first_of(entry, names);
}

static bool is_misspelt_url(struct arena *arena, const struct node *key)
{
    const char *name = node_string(key);
    if (name == NULL || config_schema_find(arena_printf(arena, "custom_providers.[].%s", name)) != NULL)
        return false;
    const char *synonym = setting_name_meant(name);
    struct near_name near = {.written = name};
    near_name_consider(&near, "base_url");
    return (synonym != NULL && strcmp(synonym, "base_url") == 0) || near.best != NULL;
}

/* Hermes drops an entry without one; to name it as a provider is an error then. */
static bool has_url(struct collector *c, const struct custom_provider *provider)
{
    const struct pair *pair = no_url(provider->entry);
    if (*provider->base_url != '\0')
        return true;
    for (size_t i = 0; pair == NULL && i < provider->entry->pair_count; i++)
        if (is_misspelt_url(c->arena, provider->entry->pairs[i].key))
            return false; /* that it is unknown was said */
    if (pair != NULL && node_string(pair->value) == NULL)
        return false; /* that it is no string was said */
    if (pair != NULL && strstr(node_string(pair->value), "${") != NULL) {
        url_check(c->diagnostics, pair->value->place, node_string(pair->value), NULL);
        return false; /* another reference that is not replaced was said */
    }
    if (pair == NULL) {
        dropped(c, provider, "it has no usable URL");
        return false;
    }
    struct text path = {.arena = c->arena};
    custom_provider_path(provider, pair, &path);
    bool api = strcmp(pair->key->text, "api") == 0;
    struct diagnostic *d =
        diagnostic_add(c->diagnostics, CODE_PROVIDER_DROPPED, pair->value->place,
                       "Hermes ignores the provider: %s is not a URL with scheme and host", path.bytes);
    diagnostic_help(c->diagnostics, d, "%s",
                    api ? "`api` is its URL; a key is called api_key" : endpoint_advice(node_string(pair->value)));
    return false;
}

static void add_with_url(struct collector *c, struct custom_provider provider)
{
    if (has_url(c, &provider)) {
        add_custom(c, provider);
        return;
    }
    put_name(c, &c->all->dropped, provider.name);
    if (provider.alias != NULL)
        put_name(c, &c->all->dropped, provider.alias);
}

static void add_listed(struct collector *c, const struct node *entry, size_t index)
{
    struct custom_provider provider = {.name = node_string(node_get(entry, "name")), .entry = entry, .index = index};
    take_url(c, &provider, false);
    const char *why = why_unlisted(&provider);
    if (!node_is(entry, NODE_MAP))
        return; /* that was said */
    if (why != NULL) {
        dropped(c, &provider, why);
        return;
    }
    add_with_url(c, provider);
}

static void add_mapped(struct collector *c, const struct pair *pair)
{
    const char *key = node_string(pair->key);
    if (key == NULL || has_controls(key))
        return;
    const char *name = node_string(node_get(pair->value, "name"));
    struct custom_provider provider = {
        .name = name != NULL && *name != '\0' && !has_controls(name) ? name : key, .alias = key, .entry = pair->value};
    take_url(c, &provider, true);
    if (!node_is(pair->value, NODE_MAP))
        return; /* that was said */
    if (!enabled(pair->value)) {
        put_name(c, &c->all->disabled, key);
        put_name(c, &c->all->disabled, provider.name);
        return;
    }
    /* A built-in id is never shadowed by the map; an alias is, once the entry has a URL of its own. */
    const struct provider_row *row = provider_table_find(key);
    bool canonical = row != NULL && strcasecmp(row->id, key) == 0 && row->auth != PROVIDER_CUSTOM;
    bool with_url = *provider.base_url != '\0';
    if (row != NULL && row->auth != PROVIDER_CUSTOM && (canonical || !with_url)) {
        provider.row = row;
        provider.id = row->id;
        add(c, provider);
    } else {
        add_with_url(c, provider);
    }
}

struct custom_providers custom_providers_of(struct arena *arena, const struct node *config,
                                            struct diagnostics *diagnostics)
{
    struct custom_providers all = {0};
    struct collector c = {.arena = arena, .diagnostics = diagnostics, .all = &all};
    const struct node *list = node_get(config, "custom_providers");
    const struct node *map = node_get(config, "providers");
    if (list != NULL && !node_is(list, NODE_SEQUENCE) && !node_is(list, NODE_NULL))
        diagnostic_help(diagnostics,
                        diagnostic_add(diagnostics, CODE_CUSTOM_PROVIDERS_IGNORED, list->place,
                                       "custom_providers is not a list: Hermes ignores it, and `providers` too"),
                        "start each provider with `- name: ...`");
    size_t most = (node_is(list, NODE_SEQUENCE) ? list->count : 0) + (node_is(map, NODE_MAP) ? map->pair_count : 0);
    all.items = arena_alloc(arena, most * sizeof *all.items);
    if (node_is(list, NODE_SEQUENCE))
        for (size_t i = 0; i < list->count; i++)
            add_listed(&c, list->items[i], i);
    if (node_is(map, NODE_MAP))
        for (size_t i = 0; i < map->pair_count; i++)
            add_mapped(&c, &map->pairs[i]);
    return all;
}

const char *custom_provider_alias(struct arena *arena, const struct custom_provider *custom)
{
    char alias[PROVIDER_NAME_SIZE];
    if (custom->alias == NULL || custom->row != NULL)
        return NULL;
    (void)provider_table_normalise(custom->alias, alias, sizeof alias);
    return strcmp(alias, custom->id + strlen("custom:")) == 0 ? NULL : arena_strdup(arena, alias);
}

static bool holds(const struct name_table *names, const char *name)
{
    char wanted[PROVIDER_NAME_SIZE];
    if (names->count == 0)
        return false;
    (void)provider_table_normalise(name, wanted, sizeof wanted);
    return name_table_get(names, strncmp(wanted, "custom:", 7) == 0 ? wanted + 7 : wanted) != NULL;
}

bool custom_provider_disabled(const struct custom_providers *all, const char *name)
{
    return holds(&all->disabled, name);
}

bool custom_provider_without_url(const struct custom_providers *all, const char *name)
{
    return holds(&all->dropped, name);
}

const struct custom_provider *custom_provider_find(const struct custom_providers *all, const char *name)
{
    char wanted[PROVIDER_NAME_SIZE];
    (void)provider_table_normalise(name, wanted, sizeof wanted);
    const uint32_t *index = name_table_get(&all->names, strncmp(wanted, "custom:", 7) == 0 ? wanted + 7 : wanted);
    return index == NULL ? NULL : &all->items[*index];
}

/* The first of a URL is put last, over the others. */
static void index_urls(struct arena *arena, struct custom_providers *all)
{
    for (size_t i = all->urls.count == 0 ? all->count : 0; i > 0; i--) {
        const struct custom_provider *custom = &all->items[i - 1];
        const uint32_t *other = custom->row != NULL ? NULL : name_table_get(&all->urls, custom->base_url);
        if (other != NULL && strcmp(all->items[*other].id, custom->id) != 0)
            name_table_put(arena, &all->shared_urls, custom->base_url, 0);
        if (custom->row == NULL)
            name_table_put(arena, &all->urls, custom->base_url, i - 1);
    }
}

bool custom_provider_shares_url(struct arena *arena, struct custom_providers *all, const struct custom_provider *custom)
{
    index_urls(arena, all);
    return name_table_get(&all->shared_urls, custom->base_url) != NULL;
}

const struct custom_provider *custom_provider_by_url(struct arena *arena, struct custom_providers *all, const char *url)
{
    index_urls(arena, all);
    const uint32_t *index = name_table_get(&all->urls, url);
    return index == NULL ? NULL : &all->items[*index];
}
