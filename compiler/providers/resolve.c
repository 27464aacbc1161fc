#include "resolve.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "blank.h"
#include "dialect.h"
#include "draft.h"
#include "env_seed.h"
#include "host_key.h"
#include "key_check.h"
#include "precedence.h"
#include "provider_target.h"
#include "shown.h"
#include "url_check.h"
#include "source.h"
#include "secret_sources.h"
#include "task_providers.h"
#include "endpoint.h"
#include "utf8.h"
#include "variable_check.h"

static bool usable_variable(const struct resolver *r, const char *name)
{
    const struct binding *binding = environment_get(r->in->environment, name);
    return binding != NULL && key_check_unusable(binding->value, binding->len) == NULL;
}

static void shadow_variable(struct resolver *r, struct draft *draft, const struct binding *binding)
{
    size_t len;
    const char *key = blank_strip(binding->value, binding->len, &len);
    if (key_check_unusable(key, len) == NULL)
        draft_shadow_key(r, draft, key, len, (struct origin){binding->place, shown_name(r->arena, binding->name)});
}

static const struct node *value_of(const struct pair *pair)
{
    return pair == NULL ? NULL : pair->value;
}

/* Good until the next one. */
static const char *path_of(struct resolver *r, const struct custom_provider *custom, const struct pair *member)
{
    r->path.len = 0;
    custom_provider_path(custom, member, &r->path);
    return r->path.bytes;
}

/* `key_env: NAME` of a custom provider; behind an inline key it is shadowed. */
static void add_key_env(struct resolver *r, struct draft *draft, const struct custom_provider *custom)
{
    const struct pair *variable = custom_provider_variable(custom);
    const char *name = node_string(value_of(variable));
    bool has_inline_key = custom_provider_key(custom) != NULL;
    if (name == NULL)
        return;
    const struct binding *binding = environment_get(r->in->environment, name);
    if (binding == NULL && !has_inline_key)
        draft_report_unset_variable(r, draft, variable->value, path_of(r, custom, variable), name);
    if (binding == NULL)
        return;
    if (!has_inline_key || draft->provider.credential_count == 0)
        draft_add_variable(r, draft, RANK_CONFIG, name);
    else
        shadow_variable(r, draft, binding);
}

/* Hermes makes entries of the pool from the list, or, where there is none, from the `providers` map. */
static bool is_pooled(const struct resolver *r, const struct custom_provider *custom)
{
    return custom->alias == NULL || !node_is(node_get(r->in->config, "custom_providers"), NODE_SEQUENCE);
}

/* Beside a list Hermes asks no pool for an entry of the map, unless the list has one of that name, too. */
static bool has_pool(const struct resolver *r, const struct custom_provider *custom)
{
    for (size_t i = 0; i < r->in->customs->count && !is_pooled(r, custom); i++)
        if (r->in->customs->items[i].alias == NULL && strcmp(r->in->customs->items[i].id, custom->id) == 0)
            return true;
    return is_pooled(r, custom);
}

/* The pool is asked first, and has the inline key. Where Hermes makes no entry of it, the variable comes first. */
static const char *variable_that_comes_first(const struct resolver *r, const struct custom_provider *custom)
{
    const char *name = is_pooled(r, custom) ? NULL : node_string(value_of(custom_provider_variable(custom)));
    return name != NULL && usable_variable(r, name) ? name : NULL;
}

static void shadow_inline_key(struct resolver *r, struct draft *draft, const struct custom_provider *custom)
{
    size_t len;
    const struct pair *key = custom_provider_key(custom);
    const char *text = node_string(value_of(key));
    if (text == NULL)
        return;
    text = blank_strip(text, key->value->len, &len);
    if (key_check_unusable(text, len) == NULL)
        draft_shadow_key(r, draft, text, len, (struct origin){key->value->place, path_of(r, custom, key)});
}

/* The user's file has another key where a managed one has WINNER. */
static void shadow_users_key(struct resolver *r, struct draft *draft, const struct node *winner,
                             const struct node *users, const char *path)
{
    size_t len;
    const char *text = node_string(users);
    bool managed = winner->place.source != NULL && winner->place.source->kind == SOURCE_MANAGED_CONFIG;
    if (!managed || text == NULL || strstr(text, "${") != NULL || draft->provider.credential_count == 0)
        return;
    text = blank_strip(text, users->len, &len);
    if (key_check_unusable(text, len) == NULL)
        draft_shadow_outvoted(r, draft, winner->place, text, len, (struct origin){users->place, path});
}

static void add_inline_key(struct resolver *r, struct draft *draft, const struct custom_provider *custom)
{
    const struct pair *key = custom_provider_key(custom);
    if (key == NULL)
        return;
    draft_add_config_key(r, draft, RANK_CONFIG, key->value, path_of(r, custom, key));
    const struct node *users =
        custom->alias == NULL ? NULL : node_get(node_get(r->in->user_config, "providers"), custom->alias);
    shadow_users_key(r, draft, key->value, node_get(users, key->key->text), path_of(r, custom, key));
}

/* What Hermes seeds the pool with. */
static void add_config_seed(struct resolver *r, struct draft *draft, const struct custom_provider *custom)
{
    size_t len;
    const struct node *key = value_of(custom_provider_key(custom));
    const char *text = custom->row == NULL && is_pooled(r, custom) ? node_string(key) : NULL;
    if (text == NULL)
        return;
    text = blank_strip(text, key->len, &len);
    if (draft->provider.awaited && key_check_unusable(text, len) != NULL)
        return; /* what Hermes has in its place is not known */
    draft_add_seed(r, draft, (struct seed){"config:", custom->name, arena_prefix(r->arena, text, len), true});
}

/* Hermes runs the command for each request, unless a key stands in its entry of the pool. */
static bool leave_to_command(struct resolver *r, struct draft *draft, const struct custom_provider *custom)
{
    const struct pair *command = node_pair(custom->entry, "key_cmd");
    if (command == NULL || !node_truthy(command->value) ||
        (custom_provider_key(custom) != NULL && is_pooled(r, custom)))
        return false;
    draft->provider.awaited = true;
    (void)diagnostic_add(r->diagnostics, CODE_NOT_COMPILED, command->key->place,
                         "Hermes since 0.20.2 runs this command for a key; the snapshot has none of it");
    return true;
}

static void add_custom(struct resolver *r, const struct custom_provider *custom)
{
    struct draft *draft = draft_for(r, custom->id, custom->row);
    const struct node *headers = dialect_headers(node_get(custom->entry, "extra_headers"), r->diagnostics);
    const char *variable = variable_that_comes_first(r, custom);
    if (*custom->base_url != '\0' && !draft->provider.url_is_explicit) {
        draft->provider.base_url = custom->base_url;
        draft->provider.url = (struct origin){custom->url->value->place, custom->url->key->text};
        draft->provider.url_is_explicit = true;
    }
    if (headers != NULL)
        draft->provider.headers[0] = headers;
    draft->provider.ca_file = provider_target_text(r->arena, node_get(custom->entry, "ssl_ca_cert"));
    if (custom->row == NULL)
        draft->provider.auth = dialect_auth(custom->entry, custom->base_url);
    if (custom->shared_name)
        draft->provider.projected = false; /* Hermes would send the pool's keys to the other one's URL */
    if (custom->row == NULL)
        draft->provider.name = custom->name;
    if (custom->row == NULL)
        draft->provider.alias = custom_provider_alias(r->arena, custom);
    if (leave_to_command(r, draft, custom))
        return;
    if (variable != NULL) {
        draft_add_variable(r, draft, RANK_CONFIG, variable);
        shadow_inline_key(r, draft, custom);
    } else {
        add_inline_key(r, draft, custom);
        add_key_env(r, draft, custom);
    }
    if (custom->url != NULL && draft->provider.credential_count == 0) /* then its URL may be all that there is */
        draft->provider.url.key = arena_strdup(r->arena, path_of(r, custom, custom->url));
    add_config_seed(r, draft, custom);
    /* Where several have one URL, Hermes may ask the pool of the first for another one: only what it seeds itself is
     * there. */
    bool first_of_url =
        custom_provider_key(custom) == NULL && custom_provider_shares_url(r->arena, r->in->customs, custom);
    if (custom->row == NULL && (first_of_url || !has_pool(r, custom)))
        draft->provider.projected = false;
}

/* The variable that names the provider where config.yaml names none, and the endpoint that goes with `custom`. */
static void name_by_variable(const struct resolver *r, struct naming *naming)
{
    const struct binding *provider = environment_get(r->in->environment, "HERMES_INFERENCE_PROVIDER");
    size_t len = 0;
    const char *name = provider == NULL ? "" : blank_strip(provider->value, provider->len, &len);
    if (len == 0)
        return;
    naming->name = arena_prefix(r->arena, name, len);
    naming->place = provider->place;
}

static struct naming naming_of(const struct resolver *r, const struct node *model, const struct node *key)
{
    const struct node *provider = node_get(model, "provider");
    const char *url = node_string(node_get(model, "base_url"));
    struct naming naming = {.name = provider_target_text(r->arena, provider),
                            .place = provider == NULL ? (struct place){0} : provider->place,
                            .base_url = url == NULL ? "" : endpoint_trimmed(r->arena, url),
                            .url = {provider == NULL ? (struct place){0} : provider->place, "model.provider"},
                            .key = provider_target_text(r->arena, key)};
    if (naming.name == NULL)
        name_by_variable(r, &naming);
    const struct binding *variable = environment_get(r->in->environment, "CUSTOM_BASE_URL");
    if (*naming.base_url != '\0') {
        naming.url = (struct origin){node_get(model, "base_url")->place, "model.base_url"};
    } else if (variable != NULL && provider_target_meaning(r, naming.name).kind == MEANS_ENDPOINT) {
        naming.base_url = endpoint_trimmed(r->arena, variable->value);
        naming.url = (struct origin){variable->place, variable->name};
    }
    return naming;
}

static bool is_own_variable(const struct provider_row *row, const char *name)
{
    for (size_t i = 0; row != NULL && row->key_envs[i] != NULL; i++)
        if (strcmp(row->key_envs[i], name) == 0)
            return true;
    return false;
}

/* NODE names the variable NAME, whose key goes out first now. */
static void say_new_name(struct resolver *r, const struct draft *draft, const struct node *node, const char *member,
                         const char *name)
{
    if (draft->provider.credential_count > 0 && !is_own_variable(draft->provider.row, name))
        (void)diagnostic_add(r->diagnostics, CODE_HERMES_IGNORES, node->place,
                             "Hermes before 0.21.2 ignores model.%s; it uses the key through its pool", member);
}

/* `model.key_env` and its other spelling: behind model.api_key, before the provider's own variables. */
static void add_model_variable(struct resolver *r, struct draft *draft, const struct node *model)
{
    static const char *const names[] = {"key_env", "api_key_env"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct node *node = node_get(model, names[i]);
        const char *name = provider_target_text(r->arena, node);
        const struct binding *binding = name == NULL ? NULL : environment_get(r->in->environment, name);
        if (name == NULL)
            continue;
        if (binding == NULL && draft->provider.credential_count == 0)
            draft_report_unset_variable(r, draft, node, arena_printf(r->arena, "model.%s", names[i]), name);
        else if (binding != NULL && draft->provider.credential_count == 0) {
            draft_add_variable(r, draft, RANK_CONFIG, name);
            say_new_name(r, draft, node, names[i], name);
        } else if (binding != NULL)
            shadow_variable(r, draft, binding);
        return;
    }
}

static void add_model_seed(struct resolver *r, struct draft *draft, const struct node *key)
{
    size_t len;
    if (draft == NULL || node_string(key) == NULL)
        return;
    const char *text = blank_strip(key->text, key->len, &len);
    draft_add_seed(r, draft, (struct seed){"", "model_config", arena_prefix(r->arena, text, len), true});
}

static const char *add_model(struct resolver *r)
{
    const struct node *model = node_get(r->in->config, "model");
    const struct node *api_key = node_get(model, "api_key");
    const struct node *api = node_get(model, "api");
    const struct node *key = node_truthy(api_key) ? api_key : api;
    const char *path = key == api_key ? "model.api_key" : "model.api";
    const struct naming naming = naming_of(r, model, key);
    struct target target = provider_target(r, &naming);
    if (target.draft == NULL) {
        if (key != NULL && node_truthy(key)) {
            struct diagnostic *d = diagnostic_add(r->diagnostics, CODE_KEY_WITHOUT_PROVIDER, key->place,
                                                  "%s belongs to no provider: nothing uses it", path);
            diagnostic_help(r->diagnostics, d, "name the provider in model.provider");
        }
        return NULL;
    }
    draft_add_config_key(r, target.draft, RANK_CONFIG, key, path);
    if (node_truthy(key))
        shadow_users_key(r, target.draft, key, node_get(node_get(r->in->user_config, "model"), strrchr(path, '.') + 1),
                         path);
    add_model_variable(r, target.draft, model);
    const struct node *headers = dialect_headers(node_get(model, "extra_headers"), r->diagnostics);
    target.draft->provider.headers[1] =
        headers != NULL ? headers : dialect_headers(node_get(model, "default_headers"), r->diagnostics);
    if (target.draft->provider.row == NULL && node_get(model, "api_mode") != NULL)
        target.draft->provider.auth = dialect_auth(model, target.draft->provider.base_url);
    add_model_seed(r, target.seeds, key);
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

static bool has_own_key(const struct draft *draft)
{
    for (size_t i = 0; draft != NULL && i < draft->provider.credential_count; i++)
        if (draft->provider.credentials[i].rank <= RANK_ENV)
            return true;
    return false;
}

/* Without this program the root's pool would have nothing for a profile that has a key of its own: it gets a pool of
 * its own, and then Hermes does not look there. */
static bool is_passed_over(struct resolver *r, const struct pool_view_entry *entry)
{
    if (entry->root == NULL || !has_own_key(draft_find(r, entry->provider)))
        return false;
    for (size_t i = 0; i < r->in->pool->count; i++)
        if (strcmp(r->in->pool->entries[i].provider, entry->provider) == 0 && !r->in->pool->entries[i].ours &&
            r->in->pool->entries[i].secret != NULL)
            return false;
    return true;
}

static void add_pool_entry(struct resolver *r, const struct pool_view_entry *entry)
{
    size_t len;
    bool manual = strcasecmp(entry->source, "manual") == 0 || strncasecmp(entry->source, "manual:", 7) == 0;
    if (!manual || entry->oauth || entry->secret == NULL || is_passed_over(r, entry))
        return;
    struct draft *draft = draft_find(r, entry->provider);
    const struct provider_row *row =
        strncmp(entry->provider, "custom:", 7) == 0 ? NULL : provider_table_find(entry->provider);
    if (draft == NULL && row == NULL)
        return; /* a pool of a provider that the configuration no longer has */
    if (row != NULL && row->auth != PROVIDER_API_KEY)
        return;
    /* for a custom provider Hermes takes the configuration's URL */
    const char *url = entry->base_url == NULL || row == NULL ? "" : endpoint_trimmed(r->arena, entry->base_url);
    const char *text = blank_strip(entry->secret, strlen(entry->secret), &len);
    if (key_check_unusable(text, len) != NULL || utf8_valid(text, len) < len)
        return; /* half of a surrogate pair is no key */
    if (*url != '\0' && (!endpoint_plausible(url) || utf8_valid(url, strlen(url)) < strlen(url)))
        return; /* it is for a host that nobody can find */
    if (draft == NULL)
        draft = draft_for(r, row->id, row);
    struct origin origin = {.key =
                                arena_printf(r->arena, "credential_pool.%s.%s", shown_name(r->arena, entry->provider),
                                             shown_name(r->arena, entry->id))};
    origin.place.source = entry->root;
    struct credential *credential = draft_add_key(r, draft, RANK_POOL, text, len, origin);
    if (credential->pool_place == 0)
        credential->pool_place = (uint32_t)(entry - r->in->pool->entries) + 1;
    if (credential->origin_count > 1)
        return;
    credential->base_url = *url == '\0' ? NULL : url;
    bool good = entry->label != NULL && utf8_valid(entry->label, strlen(entry->label)) == strlen(entry->label);
    credential->label = good ? entry->label : "manual";
}

static void add_env_keys(struct resolver *r, const struct provider_row *row, const char *variable)
{
    const struct binding *binding = environment_get(r->in->environment, variable);
    /* Hermes up to 0.20 sends OPENAI_API_KEY to OpenRouter as a last resort, whatever is in it; a key goes only to its
     * own provider here. */
    if (strcmp(row->id, "openrouter") == 0 && strcmp(variable, "OPENAI_API_KEY") == 0 &&
        (binding == NULL || strncmp(binding->value, "sk-or-", 6) != 0))
        return;
    if (custom_provider_disabled(r->in->customs, row->id))
        return;
    if (binding == NULL || binding->len == 0)
        return;
    if (pool_view_suppressed(r->in->pool, row->id, arena_printf(r->arena, "env:%s", variable))) {
        struct diagnostic *d = diagnostic_add(
            r->diagnostics, CODE_SUPPRESSED_SOURCE, binding->place,
            "`hermes auth remove` took %s out of the pool of %s; Hermes sends it only when nothing else is left there",
            variable, row->id);
        diagnostic_help(r->diagnostics, d, "`hermes auth add %s` brings it back; or remove the line", row->id);
        return;
    }
    struct draft *draft = draft_for(r, row->id, row);
    bool known = !key_check_is_secret_reference(binding->value, binding->len) &&
                 !secret_sources_replace(node_get(r->in->config, "secrets"), variable);
    if (known) /* else what Hermes has in its place is not */
        draft_add_seed(r, draft, env_seed(r->arena, r->in->environment, variable));
    draft_add_variable(r, draft, RANK_ENV, variable);
}

/* `NVIDIA_API_KEY_2` and so on up to the first gap: Hermes seeds these since the autumn of 2026. */
static void add_numbered_keys(struct resolver *r, const struct provider_row *row, const char *variable)
{
    const struct binding *binding = environment_get(r->in->environment, variable);
    for (unsigned i = 2; binding != NULL && binding->len > 0; i++) {
        const char *name = arena_printf(r->arena, "%s_%u", variable, i);
        binding = environment_get(r->in->environment, name);
        if (binding != NULL && binding->len > 0)
            add_env_keys(r, row, name);
    }
}

/* Hermes may have an entry of it all the same: of a value that was there, or of one that it does not expand. */
static void note_unset(struct resolver *r, const struct provider_row *row, const char *variable)
{
    const struct binding *binding = environment_get(r->in->environment, variable);
    struct draft *draft = draft_find(r, row->id);
    if (draft != NULL && (binding == NULL || binding->len == 0) && !custom_provider_disabled(r->in->customs, row->id) &&
        !secret_sources_may_set(node_get(r->in->config, "secrets"), variable))
        draft_add_seed(r, draft, env_seed(r->arena, r->in->environment, variable));
}

static void add_table_keys(struct resolver *r)
{
    for (size_t i = 0; i < provider_table_count; i++) {
        const struct provider_row *row = &provider_table[i];
        if (row->auth != PROVIDER_API_KEY)
            continue;
        for (size_t k = 0; row->key_envs[k] != NULL; k++)
            add_env_keys(r, row, row->key_envs[k]);
        for (size_t k = 0; row->key_envs[k] != NULL; k++)
            add_numbered_keys(r, row, row->key_envs[k]);
        for (size_t k = 0; row->key_envs[k] != NULL; k++)
            note_unset(r, row, row->key_envs[k]);
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
        const struct provider_row *row = name == NULL ? NULL : provider_table_find(name);
        if (row == NULL || row->auth != PROVIDER_API_KEY || !node_is(list, NODE_SEQUENCE))
            continue;
        for (size_t k = 0; k < list->count; k++)
            if (node_string(list->items[k]) != NULL)
                draft_add_variable(r, draft_for(r, row->id, row), RANK_ENV, node_string(list->items[k]));
    }
}

static void apply_base_url_variables(struct resolver *r)
{
    for (size_t i = 0; i < r->count; i++) {
        struct draft *draft = draft_of(r->providers[i]);
        const struct provider_row *row = draft->provider.row;
        const struct binding *binding =
            row == NULL || row->base_url_env == NULL ? NULL : environment_get(r->in->environment, row->base_url_env);
        if (binding == NULL || binding->len == 0)
            continue;
        const char *url = endpoint_trimmed(r->arena, binding->value);
        if (*url == '\0')
            continue;
        if (!draft->provider.url_is_explicit) {
            draft->provider.base_url = url;
            draft->provider.url_is_explicit = true;
            draft->provider.url = (struct origin){binding->place, row->base_url_env};
        } else if (strcmp(url, draft->provider.base_url) != 0) {
            (void)diagnostic_add(r->diagnostics, CODE_BASE_URL_SHADOWED, binding->place,
                                 "%s is another URL than the one config.yaml names for %s; config.yaml's is used",
                                 row->base_url_env, shown_name(r->arena, draft->provider.id));
        }
    }
}

/* Hermes probes Z.AI's endpoints and picks Kimi's by the key's form; where the files name no URL, its own entries know
 * better than the table. */
static void respect_discovered_urls(struct provider *provider)
{
    if (provider->url_is_explicit || provider->row == NULL)
        return;
    bool from_config = provider->credential_count > 0 && provider->credentials[0].rank == RANK_CONFIG;
    if (strcmp(provider->id, "zai") == 0 && !from_config)
        provider->projected = false;
    if (strcmp(provider->id, "kimi-coding") == 0 && provider->credential_count > 0 &&
        strncmp(provider->credentials[0].secret, "sk-kimi-", 8) == 0)
        provider->base_url = "https://api.kimi.com/coding";
}

/* An entry of the pool without a URL would send its key nowhere. */
static void leave_out_without_url(struct resolver *r, struct provider *provider)
{
    bool by_table = provider->row != NULL && provider->row->auth == PROVIDER_API_KEY;
    size_t first = 0;
    while (first < provider->credential_count && provider->credentials[first].rank > RANK_ENV)
        first++;
    if (!by_table || *provider->base_url != '\0' || first == provider->credential_count)
        return;
    provider->projected = false;
    struct diagnostic *d =
        diagnostic_add(r->diagnostics, CODE_NO_BASE_URL, provider->credentials[first].origins[0].place,
                       "%s has no base URL of its own and none is named: its keys get no entry in the pool",
                       shown_name(r->arena, provider->id));
    if (provider->row->base_url_env != NULL)
        diagnostic_help(r->diagnostics, d, "set %s in .env, or base_url beside the key", provider->row->base_url_env);
    else
        diagnostic_help(r->diagnostics, d, "set base_url beside the key");
}

static void read_strategies(struct resolver *r)
{
    const struct node *all = node_get(r->in->config, "credential_pool_strategies");
    for (size_t i = 0; node_is(all, NODE_MAP) && i < all->pair_count; i++) {
        const char *id = node_string(all->pairs[i].key);
        const char *text = node_string(all->pairs[i].value);
        struct draft *draft = id == NULL ? NULL : draft_find(r, id);
        size_t len;
        provider_target_check_name(r, all->pairs[i].key);
        if (text == NULL || draft == NULL)
            continue;
        text = blank_strip(text, strlen(text), &len);
        enum strategy strategy = strategy_find(text, len);
        if (strategy != STRATEGIES)
            draft->provider.strategy = strategy;
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

/* A variable goes out directly before Hermes's own entry for it, a manual entry where Hermes has it. Positions of
 * variables are even, of entries odd, so that "directly before" has a number of its own. */
static size_t variable_position(const struct resolver *r, const struct provider *provider, const char *variable)
{
    const char *source = arena_printf(r->arena, "env:%s", variable);
    size_t rank = pool_view_source_rank(provider->id, source);
    return 2 + 2 * (rank > 0 ? r->in->pool->count + rank : pool_position(r, provider->id, source));
}

/* A key that stands in several places goes out where the first of them is. */
static size_t entry_position(const struct resolver *r, const struct provider *provider, const struct credential *c)
{
    if (credential_stands_for_none(c))
        return SIZE_MAX - 1;
    if (c->rank == RANK_CONFIG)
        return 0;
    if (c->rank == RANK_TASK)
        return SIZE_MAX;
    size_t position = c->pool_place > 0 ? 1 + 2 * (size_t)c->pool_place : SIZE_MAX - 1;
    for (size_t i = 0; c->rank == RANK_ENV && i < c->origin_count; i++) {
        bool in_pool = c->origins[i].place.line == 0;
        size_t place = in_pool ? position : variable_position(r, provider, c->origins[i].key);
        position = place < position ? place : position;
    }
    return position;
}

/* Under any other strategy than fill_first the pool's order is Hermes's to shuffle and must not stir the snapshot. */
static void order_credentials(struct resolver *r, struct provider *provider)
{
    bool by_position = provider->strategy == STRATEGY_FILL_FIRST;
    if (provider->credential_count < 2)
        return;
    struct ranked *ranked = arena_alloc(r->arena, provider->credential_count * sizeof *ranked);
    for (size_t i = 0; i < provider->credential_count; i++) {
        const struct credential *c = &provider->credentials[i];
        size_t position = by_position ? entry_position(r, provider, c) : (size_t)c->rank;
        ranked[i] = (struct ranked){*c, position, i};
    }
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
        draft_note_shadowed(r, draft, c->secret, strlen(c->secret), c->origins[0]);
        provider->shadowed[provider->shadowed_count - 1].by = first;
        draft_warn_shadowed(r, draft, c->origins[0], &c->fingerprint);
    }
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
    return strcmp((*(const struct provider *const *)a)->id, (*(const struct provider *const *)b)->id);
}

/* A server on this machine or in the private network that has no key is asked without one. */
static void add_keyless(struct resolver *r, struct provider *provider)
{
    bool custom = provider->row == NULL || provider->row->auth == PROVIDER_CUSTOM;
    const char *id = provider->row == NULL ? "" : provider->row->id;
    bool lmstudio = strcmp(id, "lmstudio") == 0;
    bool local = (custom || strcmp(id, "actual") == 0) && endpoint_is_local(provider->base_url);
    if (provider->credential_count > 0 || provider->awaited || (!lmstudio && !local) || *provider->base_url == '\0' ||
        provider->url.key == NULL)
        return;
    draft_add_key(r, draft_of(provider), RANK_NONE, "", 0, provider->url)->label = "no key";
}

/* A manual entry's URL that is the provider's, or the table's in whose place config.yaml names another one. */
static void share_url(struct provider *provider)
{
    const struct source *source = provider->url.key == NULL ? NULL : provider->url.place.source;
    bool by_config = source != NULL && (source->kind == SOURCE_CONFIG || source->kind == SOURCE_MANAGED_CONFIG);
    for (size_t i = 0; i < provider->credential_count; i++) {
        struct credential *credential = &provider->credentials[i];
        const char *url = credential->base_url;
        if (url != NULL && (strcmp(url, provider->base_url) == 0 ||
                            (by_config && provider->row != NULL && strcmp(url, provider->row->base_url) == 0)))
            credential->base_url = NULL;
    }
}

static void finish(struct resolver *r, struct providers *all)
{
    all->items = r->providers;
    all->count = r->count;
    for (size_t i = 0; i < r->count; i++) {
        order_credentials(r, r->providers[i]);
        shadow_env_keys(r, draft_of(r->providers[i]));
        respect_discovered_urls(r->providers[i]);
        leave_out_without_url(r, r->providers[i]);
        if (r->providers[i]->url.key != NULL && *r->providers[i]->base_url != '\0')
            url_check(r->diagnostics, r->providers[i]->url.place, r->providers[i]->base_url, r->providers[i]->row);
        add_keyless(r, r->providers[i]);
        precedence_check(r, r->providers[i]);
    }
    if (all->count > 1)
        qsort(all->items, all->count, sizeof *all->items, compare_providers);
}

/* The profile has no key of its own. */
static void name_inherited(struct resolver *r, const struct draft *draft, const struct credential *first,
                           const struct source *root)
{
    struct diagnostic *d =
        diagnostic_add(r->diagnostics, CODE_INHERITED_KEY, (struct place){.source = root},
                       "this profile has no key for %s: it uses %s of %s", shown_name(r->arena, draft->provider.id),
                       first->fingerprint.text, root->label);
    diagnostic_note(r->diagnostics, d,
                    "Hermes up to 0.21.1 does the same; later versions no longer read the root's pool for a profile");
    diagnostic_help(r->diagnostics, d,
                    "put a key into the profile's .env, or `hermes auth add` one there, to keep the two apart");
}

/* Where a key of config.yaml makes a profile's own pool, Hermes no longer looks into the root's. */
static void note_inheritance(struct resolver *r)
{
    for (size_t i = 0; i < r->in->pool->count; i++) {
        const struct pool_view_entry *entry = &r->in->pool->entries[i];
        struct draft *draft = entry->root == NULL ? NULL : draft_find(r, entry->provider);
        if (draft == NULL || draft->provider.inherits || is_passed_over(r, entry))
            continue;
        draft->provider.inherits = true;
        const struct credential *first = draft->provider.credential_count > 0 ? draft->provider.credentials : NULL;
        if (first != NULL && first->rank == RANK_POOL)
            name_inherited(r, draft, first, entry->root);
        if (first == NULL || first->rank != RANK_CONFIG || !draft->provider.projected)
            continue;
        struct diagnostic *d =
            diagnostic_add(r->diagnostics, CODE_ROOT_POOL_HIDDEN, first->origins[0].place,
                           "Hermes finds %s in the profile's own pool now, and no longer what %s has for %s",
                           first->origins[0].key, entry->root->label, shown_name(r->arena, entry->provider));
        diagnostic_help(r->diagnostics, d, "add with `hermes auth add` to the profile what it shall fall back to");
    }
}

/* --- what no file says --- */

static bool named_before(const struct pool_view *pool, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (pool->entries[i].oauth && strcmp(pool->entries[i].provider, pool->entries[index].provider) == 0)
            return true;
    return false;
}

static void name_logins(struct resolver *r)
{
    struct text names = {.arena = r->arena};
    for (size_t i = 0; i < r->in->pool->count; i++) {
        const struct pool_view_entry *entry = &r->in->pool->entries[i];
        const struct provider_row *row = entry->oauth ? provider_table_find(entry->provider) : NULL;
        if (row != NULL && !named_before(r->in->pool, i))
            text_printf(&names, "%s%s", names.len > 0 ? ", " : "", row->id);
    }
    if (names.len > 0)
        (void)diagnostic_add(
            r->diagnostics, CODE_NOT_COMPILED, (struct place){0},
            "%s: logged in with OAuth; Hermes refreshes these by itself, the snapshot has no key of theirs",
            names.bytes);
}

static void name_secret_sources(struct resolver *r)
{
    const struct node *sources = node_get(r->in->config, "secrets");
    if (!node_is(sources, NODE_MAP))
        return;
    for (size_t i = 0; i < sources->pair_count; i++)
        if (node_truthy(node_get(sources->pairs[i].value, "enabled")))
            (void)diagnostic_add(r->diagnostics, CODE_NOT_COMPILED, sources->pairs[i].key->place,
                                 "Hermes asks this source of secrets when it starts; the snapshot has nothing of it");
}

static void name_what_is_not_compiled(struct resolver *r)
{
    name_logins(r);
    name_secret_sources(r);
}

struct providers resolve(struct arena *arena, const struct resolve_input *input, struct diagnostics *diagnostics)
{
    struct resolver r = {.arena = arena, .in = input, .diagnostics = diagnostics, .path = {.arena = arena}};
    const char *default_id = add_model(&r);
    for (size_t i = 0; i < input->customs->count; i++)
        add_custom(&r, &input->customs->items[i]);
    add_table_keys(&r);
    add_pool_sources(&r);
    for (size_t i = 0; i < input->pool->count; i++)
        add_pool_entry(&r, &input->pool->entries[i]);
    host_keys_add(&r);
    name_what_is_not_compiled(&r);
    note_inheritance(&r);
    apply_base_url_variables(&r);
    for (size_t i = 0; i < r.count; i++)
        share_url(r.providers[i]);
    if (default_id == NULL)
        default_id = automatic_provider(&r);
    struct providers all = {.default_id = default_id};
    task_providers_add(&r, default_id == NULL ? NULL : draft_find(&r, default_id), &all);
    read_strategies(&r);
    finish(&r, &all);
    return all;
}
