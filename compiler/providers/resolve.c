#include "resolve.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "blank.h"
#include "custom_keys.h"
#include "dialect.h"
#include "draft.h"
#include "endpoint.h"
#include "foreign_key.h"
#include "env_keys.h"
#include "host_key.h"
#include "key_check.h"
#include "key_order.h"
#include "model_key.h"
#include "not_compiled.h"
#include "openrouter_pool.h"
#include "precedence.h"
#include "provider_target.h"
#include "provider_url.h"
#include "shadowed_key.h"
#include "shown.h"
#include "stand_in.h"
#include "source.h"
#include "task_providers.h"
#include "url_check.h"
#include "utf8.h"

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
    return !pool_view_has_others_key(r->in->pool, entry->provider);
}

static void add_pool_entry(struct resolver *r, const struct pool_view_entry *entry)
{
    size_t len;
    bool manual = strcasecmp(entry->source, "manual") == 0 || strncasecmp(entry->source, "manual:", 7) == 0;
    if (!manual || entry->oauth || entry->secret == NULL || is_passed_over(r, entry) || stand_in_for(r, entry))
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
        shadowed_key_note(r, draft, c->secret, strlen(c->secret), c->origins[0]);
        provider->shadowed[provider->shadowed_count - 1].by = first;
        shadowed_key_warn(r, draft, c->origins[0], &c->fingerprint);
    }
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
    if (provider->credential_count > 0 || provider->awaited || *provider->base_url == '\0' || provider->url.key == NULL)
        return;
    bool local = (custom || strcmp(id, "actual") == 0) && endpoint_is_local(provider->base_url);
    if (!lmstudio && !local)
        return;
    draft_add_key(r, draft_of(provider), RANK_NONE, "", 0, provider->url)->label = "no key";
}

static void finish(struct resolver *r, struct providers *all)
{
    all->items = r->providers;
    all->count = r->count;
    for (size_t i = 0; i < r->count; i++) {
        key_order(r, r->providers[i]);
        shadow_env_keys(r, draft_of(r->providers[i]));
        provider_url_respect_discovered(r->providers[i]);
        openrouter_pool_leave_out(r, r->providers[i]);
        provider_url_leave_to_plugin(r, r->providers[i]);
        provider_url_note_seeded(r, r->providers[i]);
        if (r->providers[i]->row != NULL && r->providers[i]->row->auth == PROVIDER_API_KEY)
            r->providers[i]->auth = dialect_table_auth(r->providers[i]->row, r->providers[i]->base_url);
        provider_url_leave_out(r, r->providers[i]);
        if (r->providers[i]->url.key != NULL && *r->providers[i]->base_url != '\0')
            url_check(r->diagnostics, r->providers[i]->url.place, r->providers[i]->base_url, r->providers[i]->row);
        foreign_key_check_host(r, r->providers[i]);
        add_keyless(r, r->providers[i]);
        precedence_check(r, r->providers[i]);
    }
    if (all->count > 1)
        qsort(all->items, all->count, sizeof *all->items, compare_providers);
}

/* The profile has no key of its own, or one that goes out behind this one. */
static void name_inherited(struct resolver *r, const struct draft *draft, const struct credential *lent,
                           const struct source *root)
{
    struct diagnostic *d =
        diagnostic_add(r->diagnostics, CODE_INHERITED_KEY, (struct place){.source = root},
                       has_own_key(draft) ? "this profile's key for %s goes out behind %s of %s"
                                          : "this profile has no key for %s: it uses %s of %s",
                       shown_name(r->arena, draft->provider.id), lent->fingerprint.text, root->label);
    diagnostic_note(r->diagnostics, d,
                    "Hermes up to 0.21.1 does the same; later versions no longer read the root's pool for a profile");
    diagnostic_help(r->diagnostics, d,
                    "put a key into the profile's .env, or `hermes auth add` one there, to keep the two apart");
}

/* Its first key from the root's pool. */
static const struct credential *of_root(const struct draft *draft, const struct source *root)
{
    for (size_t i = 0; i < draft->provider.credential_count; i++)
        if (draft->provider.credentials[i].rank == RANK_POOL &&
            draft->provider.credentials[i].origins[0].place.source == root)
            return &draft->provider.credentials[i];
    return NULL;
}

/* Where a key of config.yaml makes a profile's own pool, Hermes no longer looks into the root's. */
static void note_inheritance(struct resolver *r)
{
    for (size_t i = 0; i < r->in->pool->count; i++) {
        const struct pool_view_entry *entry = &r->in->pool->entries[i];
        struct draft *draft = entry->root == NULL ? NULL : draft_find(r, entry->provider);
        if (draft == NULL || draft->provider.inherits || is_passed_over(r, entry) || stand_in_for(r, entry))
            continue;
        draft->provider.inherits = true;
        const struct credential *first = draft->provider.credential_count > 0 ? draft->provider.credentials : NULL;
        const struct credential *lent = of_root(draft, entry->root);
        if (first != NULL && first->rank != RANK_CONFIG && lent != NULL)
            name_inherited(r, draft, lent, entry->root);
        if (first == NULL || first->rank != RANK_CONFIG || !draft->provider.projected)
            continue;
        struct diagnostic *d =
            diagnostic_add(r->diagnostics, CODE_ROOT_POOL_HIDDEN, first->origins[0].place,
                           "Hermes now finds %s in the profile's own pool, and no longer sees what %s has for %s",
                           first->origins[0].key, entry->root->label, shown_name(r->arena, entry->provider));
        diagnostic_help(r->diagnostics, d, "add the keys to fall back to with `hermes auth add` in the profile");
    }
}

/* Who is asked where `model` names nobody. With no other choice, the entry that a key of config.yaml gets in
 * OpenRouter's pool decides. */
static const char *automatic_provider(struct resolver *r)
{
    const char *id = model_key_automatic_provider(r);
    return id == NULL && has_own_key(draft_find(r, "openrouter")) ? "openrouter" : id;
}

struct providers resolve(struct arena *arena, const struct resolve_input *input, struct diagnostics *diagnostics)
{
    struct resolver r = {.arena = arena, .in = input, .diagnostics = diagnostics, .path = {.arena = arena}};
    const char *default_id = model_key_add(&r);
    for (size_t i = 0; i < input->customs->count; i++)
        custom_keys_add(&r, &input->customs->items[i]);
    env_keys_add(&r);
    env_keys_add_listed(&r);
    for (size_t i = 0; i < input->pool->count; i++)
        add_pool_entry(&r, &input->pool->entries[i]);
    host_keys_add(&r);
    not_compiled_say(&r);
    note_inheritance(&r);
    provider_url_take_variables(&r);
    for (size_t i = 0; i < r.count; i++)
        provider_url_share(r.providers[i]);
    if (default_id == NULL)
        default_id = automatic_provider(&r);
    struct providers all = {.default_id = default_id};
    task_providers_add(&r, default_id == NULL ? NULL : draft_find(&r, default_id), &all);
    read_strategies(&r);
    finish(&r, &all);
    return all;
}
