#include "precedence.h"

#include <string.h>

#include "shown.h"

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_model_key(const char *key)
{
    return strcmp(key, "model.api_key") == 0 || strcmp(key, "model.api") == 0;
}

static bool is_seeded(const struct provider *provider, const struct credential *credential)
{
    for (size_t i = 0; i < provider->seed_count; i++)
        if (provider->seeds[i].secret != NULL && strcmp(provider->seeds[i].secret, credential->secret) == 0)
            return true;
    return false;
}

static bool is_table_variable(const struct provider_row *row, const char *name)
{
    for (size_t i = 0; row->key_envs[i] != NULL; i++)
        if (strcmp(row->key_envs[i], name) == 0)
            return true;
    return false;
}

static bool is_model_variable(const struct resolver *r, const char *name)
{
    const struct node *model = node_get(r->in->config, "model");
    const char *key_env = node_string(node_get(model, "key_env"));
    const char *api_key_env = node_string(node_get(model, "api_key_env"));
    return (key_env != NULL && strcmp(key_env, name) == 0) || (api_key_env != NULL && strcmp(api_key_env, name) == 0);
}

/* Of its own providers Hermes reads the variables of its table, and what somebody put into the pool; of the user's,
 * what their entries say. */
static bool hermes_reads(const struct provider *provider, const struct origin *origin)
{
    if (starts(origin->key, "credential_pool."))
        return true;
    bool entry = starts(origin->key, "providers.") || starts(origin->key, "custom_providers[");
    bool variable = strchr(origin->key, '.') == NULL;
    if (provider->row == NULL)
        return entry || variable;
    return provider->row->auth == PROVIDER_CUSTOM || is_table_variable(provider->row, origin->key);
}

static bool hermes_ignores(const struct resolver *r, const struct provider *provider,
                           const struct credential *credential)
{
    if (credential->rank != RANK_CONFIG || is_seeded(provider, credential))
        return false;
    size_t ignored = 0;
    for (size_t i = 0; i < credential->origin_count; i++) {
        if (is_model_variable(r, credential->origins[i].key))
            continue; /* what older versions do with model.key_env is said at its place */
        if (hermes_reads(provider, &credential->origins[i]))
            return false;
        ignored++;
    }
    return ignored > 0;
}

/* Of a variable the place of the `key_env` that names it. */
static struct place place_of(const struct resolver *r, const struct provider *provider, const struct origin *origin)
{
    for (size_t i = 0; i < r->in->customs->count; i++) {
        const struct custom_provider *custom = &r->in->customs->items[i];
        const struct pair *variable = custom_provider_variable(custom);
        const char *name = variable == NULL ? NULL : node_string(variable->value);
        if (name != NULL && strcmp(name, origin->key) == 0 && strcmp(custom->id, provider->id) == 0)
            return variable->value->place;
    }
    return origin->place;
}

/* Azure Foundry's key is its variable's: Hermes asks no pool for it (0.16 to 0.20.2). */
static bool asks_no_pool(const struct provider *provider)
{
    return provider->row != NULL && strcmp(provider->row->id, "azure-foundry") == 0;
}

static const char *why_ignored(const struct provider *provider)
{
    if (provider->left_out != NULL)
        return provider->left_out;
    return provider->row != NULL && provider->row->auth != PROVIDER_API_KEY ? ", which uses logins" : "";
}

static void say_ignored(struct resolver *r, const struct provider *provider, const struct origin *origin)
{
    const char *name = shown_name(r->arena, provider->id);
    const struct place place = place_of(r, provider, origin);
    if (provider->projected && !asks_no_pool(provider)) {
        (void)diagnostic_add(r->diagnostics, CODE_HERMES_IGNORES, place,
                             "Hermes alone ignores %s for %s; it uses the key through its pool", origin->key, name);
        return;
    }
    struct diagnostic *d = diagnostic_add_as(
        r->diagnostics, is_model_key(origin->key) ? SEVERITY_WARNING : SEVERITY_HINT, CODE_HERMES_IGNORES, place,
        "Hermes ignores %s for %s%s", origin->key, name, why_ignored(provider));
    if (provider->left_out != NULL || asks_no_pool(provider))
        diagnostic_help(r->diagnostics, d, "put the key into .env, as %s", provider->row->key_envs[0]);
}

/* What Hermes by itself would send in some place. */
struct place_taken {
    const struct seed *seed;             /* one of these two */
    const struct pool_view_entry *entry; /* one that somebody made */
    const char *secret;                  /* NULL: that is not known, or it sends none */
};

static struct place_taken of_seed(const struct seed *seed)
{
    return (struct place_taken){seed, NULL, seed->secret};
}

static const char *name_of(const struct resolver *r, const struct place_taken *taken)
{
    return taken->seed != NULL ? arena_printf(r->arena, "%s%s", taken->seed->kind, taken->seed->name)
                               : arena_printf(r->arena, "entry %s", shown_name(r->arena, taken->entry->id));
}

static const struct seed *seed_of(const struct provider *provider, const char *source)
{
    for (size_t i = 0; i < provider->seed_count; i++)
        if (provider_seed_is(&provider->seeds[i], source))
            return &provider->seeds[i];
    return NULL;
}

/* The entries of the pool come in its order; those that it lacks Hermes makes behind them. PLACE: from 0 on. */
static struct place_taken hermes_sends(const struct resolver *r, const struct provider *provider, size_t place)
{
    const struct pool_view_entry *entry = NULL;
    while ((entry = pool_view_next(r->in->pool, provider->id, entry)) != NULL) {
        const struct seed *seed = seed_of(provider, entry->source);
        bool by_hand = seed == NULL && entry->secret != NULL;
        if ((seed == NULL && (!by_hand || entry->oauth)) || place-- > 0)
            continue;
        return seed != NULL ? of_seed(seed) : (struct place_taken){NULL, entry, entry->secret};
    }
    for (size_t i = 0; i < provider->seed_count; i++)
        if (starts(provider->seeds[i].kind, "config:") && place-- == 0)
            return of_seed(&provider->seeds[i]);
    return (struct place_taken){NULL, NULL, NULL};
}

static void say_overtaken(struct resolver *r, const struct provider *provider, const struct credential *ours,
                          const struct place_taken *other)
{
    struct diagnostic *d = diagnostic_add(r->diagnostics, CODE_SHADOWED_KEY, ours->origins[0].place,
                                          "%s is used before the key in auth.json that Hermes alone sends first for %s",
                                          ours->origins[0].key, shown_name(r->arena, provider->id));
    diagnostic_note(r->diagnostics, d, "%s: %s, %s: %s", name_of(r, other),
                    fingerprint_of(other->secret, strlen(other->secret)).text, ours->origins[0].key,
                    ours->fingerprint.text);
    diagnostic_help(r->diagnostics, d, "remove the one you do not want; both are used in this order");
}

/* A key of config.yaml that Hermes has, but behind another one. */
static void say_before(struct resolver *r, const struct provider *provider)
{
    size_t place = 0;
    for (size_t i = 0; provider->projected && i < provider->credential_count; i++) {
        const struct credential *ours = &provider->credentials[i];
        if (!credential_written_out(ours) || credential_stands_for_none(ours))
            continue;
        struct place_taken other = hermes_sends(r, provider, place);
        if (other.secret == NULL)
            return;
        if (strcmp(other.secret, ours->secret) == 0) {
            place++;
        } else if (!hermes_ignores(r, provider, ours)) {
            say_overtaken(r, provider, ours, &other);
            return;
        }
    }
}

void precedence_check(struct resolver *r, const struct provider *provider)
{
    for (size_t i = 0; i < provider->credential_count; i++)
        if (hermes_ignores(r, provider, &provider->credentials[i]))
            say_ignored(r, provider, &provider->credentials[i].origins[0]);
    say_before(r, provider);
}
