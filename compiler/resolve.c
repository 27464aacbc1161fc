#include "resolve.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "custom_provider.h"
#include "blank.h"
#include "key_check.h"
#include "name_table.h"
#include "near_name.h"
#include "source.h"
#include "variable_check.h"

struct draft {
    struct provider provider;
    size_t credential_capacity;
    size_t shadowed_capacity;
    size_t seed_capacity;
    bool url_is_explicit; /* a source names the URL, so nothing may guess another */
};

struct resolver {
    struct arena *arena;
    const struct resolve_input *in;
    struct diagnostics *diagnostics;
    struct custom_providers customs;
    struct draft **drafts;
    size_t count;
    size_t capacity;
    struct name_table ids;
};

static struct draft *find_draft(struct resolver *r, const char *id)
{
    const size_t *index = name_table_get(&r->ids, id);
    return index == NULL ? NULL : r->drafts[*index];
}

static struct draft *draft_for(struct resolver *r, const char *id, const struct provider_row *row)
{
    struct draft *draft = find_draft(r, id);
    if (draft != NULL)
        return draft;
    draft = arena_alloc(r->arena, sizeof *draft);
    draft->provider = (struct provider){
        .id = id,
        .row = row,
        .name = row != NULL ? row->name : id,
        .base_url = row != NULL ? row->base_url : "",
        .strategy = "fill_first",
        .auth = row != NULL ? row->header : "bearer",
        .projected = row == NULL || row->auth == PROVIDER_API_KEY,
    };
    void *drafts = r->drafts;
    arena_grow(r->arena, &drafts, &r->capacity, r->count + 1, sizeof *r->drafts);
    r->drafts = drafts;
    name_table_put(r->arena, &r->ids, id, r->count);
    r->drafts[r->count++] = draft;
    return draft;
}

static void add_seed(struct resolver *r, struct draft *draft, const char *source, const char *secret)
{
    void *seeds = draft->provider.seeds;
    arena_grow(r->arena, &seeds, &draft->seed_capacity, draft->provider.seed_count + 1, sizeof(struct seed));
    draft->provider.seeds = seeds;
    draft->provider.seeds[draft->provider.seed_count++] = (struct seed){source, secret};
}

static struct credential *add_credential(struct resolver *r, struct draft *draft)
{
    void *items = draft->provider.credentials;
    arena_grow(r->arena, &items, &draft->credential_capacity, draft->provider.credential_count + 1,
               sizeof(struct credential));
    draft->provider.credentials = items;
    return &draft->provider.credentials[draft->provider.credential_count++];
}

static void add_origin(struct resolver *r, struct credential *credential, struct origin origin)
{
    struct origin *origins = arena_alloc(r->arena, (credential->origin_count + 1) * sizeof *origins);
    if (credential->origin_count > 0)
        memcpy(origins, credential->origins, credential->origin_count * sizeof *origins);
    origins[credential->origin_count++] = origin;
    credential->origins = origins;
}

/* SECRET is stripped and usable. The same key again is one credential with one more origin. */
static void add_key(struct resolver *r, struct draft *draft, enum credential_rank rank, const char *secret, size_t len,
                    struct origin origin)
{
    struct fingerprint fingerprint = fingerprint_of(secret, len);
    for (size_t i = 0; i < draft->provider.credential_count; i++)
        if (strcmp(draft->provider.credentials[i].fingerprint.text, fingerprint.text) == 0) {
            add_origin(r, &draft->provider.credentials[i], origin);
            return;
        }
    struct credential *credential = add_credential(r, draft);
    *credential = (struct credential){
        .id = credential_id_of(draft->provider.id, secret, len),
        .fingerprint = fingerprint,
        .rank = rank,
        .secret = arena_strndup(r->arena, secret, len),
        .label = origin.place.source == NULL
                     ? origin.key
                     : arena_printf(r->arena, "%s %s", origin.place.source->label, origin.key),
    };
    add_origin(r, credential, origin);
}

static void note_shadowed(struct resolver *r, struct draft *draft, const char *secret, size_t len,
                          struct origin origin)
{
    void *items = draft->provider.shadowed;
    arena_grow(r->arena, &items, &draft->shadowed_capacity, draft->provider.shadowed_count + 1,
               sizeof(struct shadowed));
    draft->provider.shadowed = items;
    draft->provider.shadowed[draft->provider.shadowed_count++] =
        (struct shadowed){.fingerprint = fingerprint_of(secret, len), .origin = origin};
}

static void warn_suspicious(struct resolver *r, const char *secret, size_t len, struct origin origin)
{
    const char *why = key_suspicious(secret, len);
    if (why != NULL)
        (void)diagnose(r->diagnostics, SEVERITY_WARNING, "suspicious-key", origin.place,
                       "%s %s; the provider will most likely refuse it", origin.key, why);
}

/* The text of a key written in config.yaml, or NULL after saying why it is none. An empty one is simply not there. */
static const char *config_key(struct resolver *r, const struct node *node, const char *path, bool required,
                              size_t *ret_len)
{
    if (node == NULL || node->kind == NODE_NULL || !node_truthy(node))
        return NULL;
    if (node->kind != NODE_STRING) {
        struct diagnostic *d = diagnose(r->diagnostics, SEVERITY_ERROR, "not-text", node->place,
                                        "%s is %s to YAML, not text: the key would not be what stands here", path,
                                        node_kind_name(node->kind));
        diagnostic_help(r->diagnostics, d, "put it in quotes");
        return NULL;
    }
    if (memchr(node->text, '\0', node->len) != NULL) {
        (void)diagnose(r->diagnostics, SEVERITY_ERROR, "nul-in-text", node->place, "%s contains a NUL", path);
        return NULL;
    }
    const char *text = strip_blanks(node->text, node->len, ret_len);
    const char *why = key_unusable(text, *ret_len);
    if (why == NULL)
        return text;
    if (strcmp(why, "is a bare reference") == 0 && strncmp(text, "${", 2) == 0)
        return NULL; /* unresolved-reference was said already */
    struct diagnostic *d = diagnose(r->diagnostics, required ? SEVERITY_ERROR : SEVERITY_WARNING, "unusable-key",
                                    node->place, "%s %s: it is no key", path, why);
    diagnostic_help(r->diagnostics, d, "put the provider's key here, or remove the entry");
    return NULL;
}

static void add_config_key(struct resolver *r, struct draft *draft, const struct node *node, const char *path,
                           bool required)
{
    size_t len;
    const char *text = config_key(r, node, path, required, &len);
    if (text == NULL)
        return;
    struct origin origin = {node->place, path};
    warn_suspicious(r, text, len, origin);
    add_key(r, draft, RANK_CONFIG, text, len, origin);
}

static void add_variable(struct resolver *r, struct draft *draft, enum credential_rank rank, const char *name)
{
    const struct binding *binding = environment_get(r->in->environment, name);
    size_t len;
    if (binding == NULL)
        return;
    const char *text = strip_blanks(binding->value, binding->len, &len);
    const char *why = key_unusable(text, len);
    struct origin origin = {binding->place, arena_strdup(r->arena, name)};
    if (len == 0)
        return;
    if (why != NULL) {
        (void)diagnose(r->diagnostics, SEVERITY_WARNING, "unusable-key", binding->place, "%s %s: it is no key", name,
                       why);
        return;
    }
    warn_suspicious(r, text, len, origin);
    add_key(r, draft, rank, text, len, origin);
}

/* `key_env: NAME` of a custom provider; behind an inline key it is shadowed. */
static void add_key_env(struct resolver *r, struct draft *draft, const struct custom_provider *custom)
{
    const char *name = node_string(custom->key_env);
    size_t had = draft->provider.credential_count;
    if (name == NULL)
        return;
    const struct binding *binding = environment_get(r->in->environment, name);
    if (binding == NULL && custom->api_key == NULL) {
        struct diagnostic *d = diagnose(r->diagnostics, SEVERITY_WARNING, "unset-variable", custom->key_env->place,
                                        "%s names a variable that no env file sets", custom->key_env_path);
        const char *near = variable_near(r->in->environment, name);
        if (near != NULL)
            diagnostic_help(r->diagnostics, d, "did you mean %s?", near);
        else
            diagnostic_help(r->diagnostics, d, "add it to .env");
    }
    if (binding == NULL)
        return;
    if (custom->api_key == NULL || had == 0)
        add_variable(r, draft, RANK_CONFIG, name);
    else
        note_shadowed(r, draft, binding->value, binding->len, (struct origin){binding->place, name});
}

static void add_custom(struct resolver *r, const struct custom_provider *custom)
{
    struct draft *draft = draft_for(r, custom->id, custom->row);
    if (*custom->base_url != '\0' && !draft->url_is_explicit) {
        draft->provider.base_url = custom->base_url;
        draft->url_is_explicit = true;
    }
    if (custom->row == NULL)
        draft->provider.name = custom->name;
    size_t len;
    add_config_key(r, draft, custom->api_key, custom->api_key_path, custom->row != NULL);
    add_key_env(r, draft, custom);
    const char *inline_key = node_string(custom->api_key);
    if (custom->row == NULL && inline_key != NULL) {
        inline_key = strip_blanks(inline_key, custom->api_key->len, &len);
        add_seed(r, draft, arena_printf(r->arena, "config:%s", custom->name), arena_strndup(r->arena, inline_key, len));
    }
}

static bool host_is(const char *url, const char *domain)
{
    const char *host = strstr(url, "://");
    host = host == NULL ? url : host + 3;
    size_t len = strcspn(host, ":/?#");
    size_t tail = strlen(domain);
    return len >= tail && strncasecmp(host + len - tail, domain, tail) == 0 &&
           (len == tail || host[len - tail - 1] == '.');
}

/* Hermes resolves these outside its table. */
static bool known_elsewhere(const char *name)
{
    static const char *const names[] = {"moa", "vertex", "google-vertex", "vertex-ai", "gcp-vertex", "vertexai"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

struct target {
    struct draft *draft; /* NULL: nobody's */
    bool model_config;   /* Hermes seeds model.api_key as `model_config` in that pool */
};

static struct target custom_target(struct resolver *r, const char *url)
{
    const struct custom_provider *same = custom_provider_by_url(&r->customs, url);
    if (same != NULL)
        return (struct target){draft_for(r, same->id, NULL), true};
    struct draft *draft = draft_for(r, "custom", provider_find("custom"));
    draft->provider.base_url = url;
    return (struct target){draft, false};
}

static struct target automatic_target(struct resolver *r, const char *url)
{
    if (*url == '\0')
        return (struct target){0};
    if (host_is(url, "openrouter.ai"))
        return (struct target){draft_for(r, "openrouter", provider_find("openrouter")), false};
    if (host_is(url, "anthropic.com") || host_is(url, "openai.com"))
        return (struct target){0};
    return custom_target(r, url);
}

static bool letters_of_a_name(const char *name)
{
    return strlen(name) <= 24 && strspn(name, "abcdefghijklmnopqrstuvwxyz-_.:ABCDEFGHIJKLMNOPQRSTUVWXYZ ") == strlen(name);
}

/* The provider that NAME may have meant, or NULL. */
static const char *near_provider(const struct resolver *r, const char *name)
{
    struct near_name near = {.written = name};
    for (size_t i = 0; i < provider_table_count; i++) {
        near_name_consider(&near, provider_table[i].id);
        for (const char *const *alias = provider_table[i].aliases; *alias != NULL; alias++)
            near_name_consider(&near, *alias);
    }
    for (size_t i = 0; i < r->customs.count; i++)
        near_name_consider(&near, r->customs.items[i].name);
    return near.best;
}

static struct target unknown_target(struct resolver *r, const struct node *provider, const char *name, const char *url)
{
    if (!known_elsewhere(name)) {
        struct diagnostic *d =
            diagnose(r->diagnostics, SEVERITY_WARNING, "unknown-provider", provider->place,
                     letters_of_a_name(name) ? "there is no provider \"%s\"" : "there is no such provider", name);
        const char *near = near_provider(r, name);
        if (near != NULL)
            diagnostic_help(r->diagnostics, d, "did you mean \"%s\"?", near);
        else
            diagnostic_help(r->diagnostics, d, "take a provider that Hermes knows, or define it under custom_providers");
    }
    char normal[128];
    (void)provider_normalise(name, normal, sizeof normal);
    struct draft *draft = draft_for(r, arena_strdup(r->arena, normal), NULL);
    draft->provider.base_url = url;
    draft->provider.projected = *url != '\0';
    return (struct target){draft, false};
}

/* Which provider `model` means: names before aliases of the table, as June and August resolve them. */
static struct target model_target(struct resolver *r, const struct node *model)
{
    const struct node *provider = node_get(model, "provider");
    const char *name = node_string(provider);
    const char *url = node_string(node_get(model, "base_url"));
    size_t len = 0;
    url = url == NULL ? "" : url_trimmed(r->arena, url);
    if (name != NULL) {
        name = strip_blanks(name, strlen(name), &len);
        name = arena_strndup(r->arena, name, len);
    }
    if (len == 0 || strcasecmp(name, "auto") == 0)
        return automatic_target(r, url);
    const struct provider_row *row = provider_find(name);
    const struct custom_provider *custom = custom_provider_find(&r->customs, name);
    bool canonical = row != NULL && strcasecmp(row->id, name) == 0;
    if (custom != NULL && !canonical)
        return (struct target){draft_for(r, custom->id, NULL), false};
    if (row == NULL)
        return unknown_target(r, provider, name, url);
    if (row->auth == PROVIDER_CUSTOM)
        return custom_target(r, url);
    struct draft *draft = draft_for(r, row->id, row);
    if (*url != '\0') {
        draft->provider.base_url = url;
        draft->url_is_explicit = true;
    }
    return (struct target){draft, false};
}

static void warn_hermes_ignores(struct resolver *r, const struct draft *draft, const struct node *key)
{
    if (draft->provider.row == NULL || draft->provider.row->auth == PROVIDER_CUSTOM)
        return;
    (void)diagnose(r->diagnostics, SEVERITY_WARNING, "hermes-ignores", key->place,
                   draft->provider.projected
                       ? "Hermes by itself never uses model.api_key for %s; through the pool it does now"
                       : "Hermes never uses model.api_key for %s, and its pool holds logins that are not ours to touch",
                   draft->provider.id);
}

static const char *add_model(struct resolver *r)
{
    const struct node *model = node_get(r->in->config, "model");
    const struct node *api_key = node_get(model, "api_key");
    const struct node *api = node_get(model, "api");
    const struct node *key = node_truthy(api_key) ? api_key : api;
    const char *path = key == api_key ? "model.api_key" : "model.api";
    struct target target = model_target(r, model);
    if (target.draft == NULL) {
        if (key != NULL && node_truthy(key)) {
            struct diagnostic *d = diagnose(r->diagnostics, SEVERITY_WARNING, "key-without-provider", key->place,
                                            "%s belongs to no provider: nothing uses it", path);
            diagnostic_help(r->diagnostics, d, "name the provider in model.provider");
        }
        return NULL;
    }
    size_t before = target.draft->provider.credential_count;
    add_config_key(r, target.draft, key, path, target.draft->provider.row != NULL && key == api_key);
    if (target.draft->provider.credential_count > before && key == api_key)
        warn_hermes_ignores(r, target.draft, key);
    if (target.model_config && node_string(key) != NULL) {
        size_t len;
        const char *text = strip_blanks(key->text, key->len, &len);
        add_seed(r, target.draft, "model_config", arena_strndup(r->arena, text, len));
    }
    return target.draft->provider.id;
}

/* The position of Hermes's own entry for SOURCE in its pool; the number of entries when there is none. */
static size_t pool_position(const struct resolver *r, const char *provider, const char *source)
{
    for (size_t i = 0; i < r->in->pool->count; i++)
        if (strcmp(r->in->pool->entries[i].provider, provider) == 0 &&
            strcmp(r->in->pool->entries[i].source, source) == 0)
            return i;
    return r->in->pool->count;
}

static void add_pool_entry(struct resolver *r, const struct pool_entry *entry)
{
    size_t len;
    bool manual = strcasecmp(entry->source, "manual") == 0 || strncasecmp(entry->source, "manual:", 7) == 0;
    if (!manual || entry->oauth || entry->secret == NULL)
        return;
    const char *text = strip_blanks(entry->secret, strlen(entry->secret), &len);
    if (key_unusable(text, len) != NULL)
        return;
    const struct provider_row *row = strncmp(entry->provider, "custom:", 7) == 0 ? NULL : provider_find(entry->provider);
    if (row != NULL && row->auth != PROVIDER_API_KEY)
        return;
    struct draft *draft = find_draft(r, entry->provider);
    if (draft == NULL && row == NULL)
        return; /* a pool of a provider that the configuration no longer has */
    if (draft == NULL)
        draft = draft_for(r, row->id, row);
    struct origin origin = {.key = arena_printf(r->arena, "credential_pool.%s.%s", entry->provider, entry->id)};
    size_t before = draft->provider.credential_count;
    add_key(r, draft, RANK_POOL, text, len, origin);
    if (draft->provider.credential_count > before)
        draft->provider.credentials[before].label = entry->label != NULL ? entry->label : "manual";
}

static void add_env_keys(struct resolver *r, const struct provider_row *row, const char *variable)
{
    const struct binding *binding = environment_get(r->in->environment, variable);
    const char *source = arena_printf(r->arena, "env:%s", variable);
    /* Hermes sends OPENAI_API_KEY to OpenRouter as a last resort; a key goes only to its own provider here. */
    if (strcmp(row->id, "openrouter") == 0 && strcmp(variable, "OPENAI_API_KEY") == 0)
        return;
    if (binding == NULL || binding->len == 0) {
        if (find_draft(r, row->id) != NULL)
            add_seed(r, find_draft(r, row->id), source, NULL);
        return;
    }
    if (pool_suppressed(r->in->pool, row->id, source)) {
        (void)diagnose(r->diagnostics, SEVERITY_WARNING, "suppressed-source", binding->place,
                       "%s is not used for %s: it was removed there with `hermes auth remove`", variable, row->id);
        return;
    }
    struct draft *draft = draft_for(r, row->id, row);
    size_t len;
    const char *text = strip_blanks(binding->value, binding->len, &len);
    add_seed(r, draft, source, arena_strndup(r->arena, text, len));
    add_variable(r, draft, RANK_ENV, variable);
}

static void add_table_keys(struct resolver *r)
{
    for (size_t i = 0; i < provider_table_count; i++) {
        const struct provider_row *row = &provider_table[i];
        if (row->auth != PROVIDER_API_KEY)
            continue;
        for (size_t k = 0; row->key_envs[k] != NULL; k++)
            add_env_keys(r, row, row->key_envs[k]);
    }
}

static void add_pool_sources(struct resolver *r)
{
    const struct node *all = node_get(r->in->config, "credential_pool_sources");
    if (!node_is(all, NODE_MAP))
        return;
    for (size_t i = 0; i < all->pair_count; i++) {
        const char *name = node_string(all->pairs[i].key);
        const struct node *list = all->pairs[i].value;
        const struct provider_row *row = name == NULL ? NULL : provider_find(name);
        if (row == NULL || row->auth != PROVIDER_API_KEY || !node_is(list, NODE_SEQUENCE))
            continue;
        for (size_t k = 0; k < list->count; k++)
            if (node_string(list->items[k]) != NULL)
                add_variable(r, draft_for(r, row->id, row), RANK_ENV, node_string(list->items[k]));
    }
}

static void apply_base_url_variables(struct resolver *r)
{
    for (size_t i = 0; i < r->count; i++) {
        struct draft *draft = r->drafts[i];
        const struct provider_row *row = draft->provider.row;
        const struct binding *binding =
            row == NULL || row->base_url_env == NULL ? NULL : environment_get(r->in->environment, row->base_url_env);
        if (binding == NULL || binding->len == 0)
            continue;
        const char *url = url_trimmed(r->arena, binding->value);
        if (!draft->url_is_explicit) {
            draft->provider.base_url = url;
            draft->url_is_explicit = true;
        } else if (strcmp(url, draft->provider.base_url) != 0) {
            (void)diagnose(r->diagnostics, SEVERITY_WARNING, "base-url-shadowed", binding->place,
                           "%s is another URL than the one config.yaml names for %s; config.yaml's is used",
                           row->base_url_env, draft->provider.id);
        }
    }
}

/* Hermes probes Z.AI's endpoints and picks Kimi's by the key's form; where the files name no URL, its own entries know
 * better than the table. */
static void respect_discovered_urls(struct draft *draft)
{
    struct provider *provider = &draft->provider;
    if (draft->url_is_explicit || provider->row == NULL)
        return;
    bool from_config = provider->credential_count > 0 && provider->credentials[0].rank == RANK_CONFIG;
    if (strcmp(provider->id, "zai") == 0 && !from_config)
        provider->projected = false;
    if (strcmp(provider->id, "kimi-coding") == 0 && provider->credential_count > 0 &&
        strncmp(provider->credentials[0].secret, "sk-kimi-", 8) == 0)
        provider->base_url = "https://api.kimi.com/coding";
}

static void read_strategies(struct resolver *r)
{
    static const char *const names[] = {"fill_first", "round_robin", "least_used", "random"};
    const struct node *all = node_get(r->in->config, "credential_pool_strategies");
    for (size_t i = 0; i < r->count; i++) {
        const char *text = node_string(node_get(all, r->drafts[i]->provider.id));
        size_t len;
        if (text == NULL)
            continue;
        text = strip_blanks(text, strlen(text), &len);
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            if (strlen(names[k]) == len && strncasecmp(names[k], text, len) == 0)
                r->drafts[i]->provider.strategy = names[k];
    }
}

struct ranked {
    struct credential credential;
    size_t position;
    size_t index;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *left = a;
    const struct ranked *right = b;
    if (left->position != right->position)
        return left->position < right->position ? -1 : 1;
    return left->index < right->index ? -1 : left->index > right->index;
}

static size_t entry_position(const struct resolver *r, const struct provider *provider, const struct credential *c)
{
    /* A variable goes out directly before Hermes's own entry for it, a manual entry where Hermes has it. Positions of
     * variables are even, of entries odd, so that "directly before" has a number of its own. */
    if (c->rank == RANK_CONFIG)
        return 0;
    if (c->rank == RANK_ENV)
        return 2 + 2 * pool_position(r, provider->id, arena_printf(r->arena, "env:%s", c->origins[0].key));
    for (size_t i = 0; i < r->in->pool->count; i++)
        if (strcmp(r->in->pool->entries[i].provider, provider->id) == 0 &&
            strcmp(r->in->pool->entries[i].id, strrchr(c->origins[0].key, '.') + 1) == 0)
            return 3 + 2 * i;
    return 3 + 2 * r->in->pool->count;
}

/* Under any other strategy than fill_first the pool's order is Hermes's to shuffle and must not stir the snapshot. */
static void order_credentials(struct resolver *r, struct provider *provider)
{
    bool by_position = strcmp(provider->strategy, "fill_first") == 0;
    struct ranked *ranked = arena_alloc(r->arena, provider->credential_count * sizeof *ranked);
    for (size_t i = 0; i < provider->credential_count; i++) {
        const struct credential *c = &provider->credentials[i];
        size_t position = by_position ? entry_position(r, provider, c) : (size_t)c->rank;
        ranked[i] = (struct ranked){*c, position, i};
    }
    if (provider->credential_count > 1)
        qsort(ranked, provider->credential_count, sizeof *ranked, compare_ranked);
    for (size_t i = 0; i < provider->credential_count; i++)
        provider->credentials[i] = ranked[i].credential;
}

/* A key of an env file behind a different key of config.yaml serves only when that one fails: say so. */
static void shadow_env_keys(struct resolver *r, struct draft *draft)
{
    struct provider *provider = &draft->provider;
    if (provider->credential_count == 0)
        return;
    struct credential *first = &provider->credentials[0];
    for (size_t i = 0; i < provider->shadowed_count; i++)
        provider->shadowed[i].by = first;
    if (first->rank != RANK_CONFIG)
        return;
    for (size_t i = 1; i < provider->credential_count; i++) {
        struct credential *c = &provider->credentials[i];
        if (c->rank != RANK_ENV)
            continue;
        note_shadowed(r, draft, c->secret, strlen(c->secret), c->origins[0]);
        provider->shadowed[provider->shadowed_count - 1].by = first;
        struct diagnostic *d = diagnose(r->diagnostics, SEVERITY_WARNING, "shadowed-key", c->origins[0].place,
                                        "%s is another key for %s than %s, which goes out first", c->origins[0].key,
                                        provider->id, first->origins[0].key);
        diagnostic_note(r->diagnostics, d, "%s: %s, %s: %s", c->origins[0].key, c->fingerprint.text,
                        first->origins[0].key, first->fingerprint.text);
    }
}

static bool usable_variable(const struct resolver *r, const char *name)
{
    const struct binding *binding = environment_get(r->in->environment, name);
    return binding != NULL && key_unusable(binding->value, binding->len) == NULL;
}

/* Where `model` names nobody: the order in which August looks. */
static const char *automatic_provider(const struct resolver *r)
{
    if (usable_variable(r, "OPENAI_API_KEY") || usable_variable(r, "OPENROUTER_API_KEY"))
        return "openrouter";
    for (size_t i = 0; i < r->in->pool->count; i++)
        if (strcmp(r->in->pool->entries[i].provider, "openrouter") == 0)
            return "openrouter";
    for (size_t i = 0; i < provider_table_count; i++) {
        const struct provider_row *row = &provider_table[i];
        if (row->auth != PROVIDER_API_KEY || strcmp(row->id, "copilot") == 0 || strcmp(row->id, "lmstudio") == 0)
            continue;
        for (size_t k = 0; row->key_envs[k] != NULL; k++)
            if (usable_variable(r, row->key_envs[k]))
                return row->id;
    }
    return NULL;
}

static int compare_providers(const void *a, const void *b)
{
    return strcmp(((const struct provider *)a)->id, ((const struct provider *)b)->id);
}

static struct providers finish(struct resolver *r, const char *default_id)
{
    struct providers all = {.count = r->count, .default_id = default_id};
    all.items = arena_alloc(r->arena, r->count * sizeof *all.items);
    for (size_t i = 0; i < r->count; i++) {
        order_credentials(r, &r->drafts[i]->provider);
        shadow_env_keys(r, r->drafts[i]);
        respect_discovered_urls(r->drafts[i]);
        all.items[i] = r->drafts[i]->provider;
    }
    if (all.count > 1)
        qsort(all.items, all.count, sizeof *all.items, compare_providers);
    return all;
}

struct providers resolve(struct arena *arena, const struct resolve_input *input, struct diagnostics *diagnostics)
{
    struct resolver r = {.arena = arena, .in = input, .diagnostics = diagnostics};
    r.customs = custom_providers_of(arena, input->config, diagnostics);
    const char *default_id = add_model(&r);
    for (size_t i = 0; i < r.customs.count; i++)
        add_custom(&r, &r.customs.items[i]);
    add_table_keys(&r);
    add_pool_sources(&r);
    for (size_t i = 0; i < input->pool->count; i++)
        add_pool_entry(&r, &input->pool->entries[i]);
    apply_base_url_variables(&r);
    read_strategies(&r);
    return finish(&r, default_id != NULL ? default_id : automatic_provider(&r));
}

