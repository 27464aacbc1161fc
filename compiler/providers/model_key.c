#include "model_key.h"

#include <string.h>

#include "blank.h"
#include "dialect.h"
#include "endpoint.h"
#include "foreign_key.h"
#include "provider_target.h"
#include "shadowed_key.h"
#include "shown.h"
#include "written_key.h"

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

static const char *const variable_names[] = {"key_env", "api_key_env"};

/* The key that stands beside the URL, or in the variable that is named there. */
static const char *key_beside(const struct resolver *r, const struct node *model, const struct node *key)
{
    const char *text = node_truthy(key) ? provider_target_text(r->arena, key) : NULL;
    for (size_t i = 0; text == NULL && i < sizeof variable_names / sizeof *variable_names; i++) {
        const char *name = provider_target_text(r->arena, node_get(model, variable_names[i]));
        const struct binding *binding = name == NULL ? NULL : environment_get(r->in->environment, name);
        size_t len = 0;
        const char *value = binding == NULL ? NULL : blank_strip(binding->value, binding->len, &len);
        text = len == 0 ? NULL : arena_prefix(r->arena, value, len);
    }
    return text;
}

static struct naming naming_of(const struct resolver *r, const struct node *model, const struct node *key)
{
    const struct node *provider = node_get(model, "provider");
    const char *url = node_string(node_get(model, "base_url"));
    struct naming naming = {.name = provider_target_text(r->arena, provider),
                            .place = provider == NULL ? (struct place){0} : provider->place,
                            .base_url = url == NULL ? "" : endpoint_trimmed(r->arena, url),
                            .url = {provider == NULL ? (struct place){0} : provider->place, "model.provider"},
                            .key = key_beside(r, model, key)};
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

/* Another provider's variable, which is not put before the provider's own. */
static bool is_foreign(struct resolver *r, const struct draft *draft, const struct node *node, const char *member,
                       const struct binding *binding)
{
    const struct provider_row *row = draft->provider.row;
    bool own = false;
    for (size_t i = 0; row != NULL && row->key_envs[i] != NULL; i++)
        own = own || written_key_is_set(r, row->key_envs[i]);
    struct origin origin = {node->place, arena_printf(r->arena, "model.%s", member)};
    return own && !foreign_key_check(r, draft, binding->value, binding->len, origin);
}

/* `model.key_env` and its other spelling: behind model.api_key, before the provider's own variables. */
static void add_model_variable(struct resolver *r, struct draft *draft, const struct node *model)
{
    for (size_t i = 0; i < sizeof variable_names / sizeof *variable_names; i++) {
        const struct node *node = node_get(model, variable_names[i]);
        const char *name = provider_target_text(r->arena, node);
        const struct binding *binding = name == NULL ? NULL : environment_get(r->in->environment, name);
        if (name == NULL)
            continue;
        if (binding == NULL && draft->provider.credential_count == 0)
            written_key_report_unset(r, draft, node, arena_printf(r->arena, "model.%s", variable_names[i]), name);
        else if (binding != NULL && draft->provider.credential_count == 0) {
            if (is_foreign(r, draft, node, variable_names[i], binding))
                return;
            written_key_add_variable(r, draft, RANK_CONFIG, name);
            say_new_name(r, draft, node, variable_names[i], name);
        } else if (binding != NULL)
            shadowed_key_add_variable(r, draft, binding);
        return;
    }
}

static void add_model_seed(struct resolver *r, struct draft *draft, const struct node *key)
{
    size_t len;
    if (draft == NULL || node_string(key) == NULL)
        return;
    const char *text = blank_strip(key->text, key->len, &len);
    draft_add_seed(r, draft, (struct seed){"", "model_config", arena_prefix(r->arena, text, len), true, false, false});
}

/* Hermes goes by the URL, and finds what stands in the pool of the provider that has the same one. */
static void say_found_by_url(struct resolver *r, const struct naming *naming, const struct draft *draft)
{
    const struct custom_provider *custom = custom_provider_find(r->in->customs, draft->provider.id);
    const struct pair *variable = custom == NULL ? NULL : custom_provider_variable(custom);
    enum meaning_kind kind = provider_target_meaning(r, naming->name).kind;
    const char *name = variable == NULL ? NULL : node_string(variable->value);
    if (naming->key != NULL || name == NULL || custom_provider_key(custom) != NULL || !written_key_is_set(r, name) ||
        (kind != MEANS_ENDPOINT && kind != MEANS_AUTO))
        return;
    (void)diagnostic_add(
        r->diagnostics, CODE_HERMES_IGNORES, naming->url.place,
        "Hermes alone sends no key to this URL; through its pool it finds %s of %s, which has the same "
        "URL",
        shown_name(r->arena, name), shown_name(r->arena, custom->name));
}

const char *model_key_add(struct resolver *r)
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
    say_found_by_url(r, &naming, target.draft);
    written_key_add(r, target.draft, RANK_CONFIG, key, path);
    if (node_truthy(key))
        shadowed_key_add_users(r, target.draft, key,
                               node_get(node_get(r->in->user_config, "model"), strrchr(path, '.') + 1), path);
    add_model_variable(r, target.draft, model);
    const struct node *headers = dialect_headers(node_get(model, "extra_headers"), r->diagnostics);
    target.draft->provider.headers[1] =
        headers != NULL ? headers : dialect_headers(node_get(model, "default_headers"), r->diagnostics);
    if (target.draft->provider.row == NULL && node_get(model, "api_mode") != NULL)
        target.draft->provider.auth = dialect_auth(model, target.draft->provider.base_url);
    add_model_seed(r, target.seeds, key);
    return target.draft->provider.id;
}

/* Where `model` names nobody: the order in which Hermes 0.20 looks. */
const char *model_key_automatic_provider(const struct resolver *r)
{
    if (written_key_is_set(r, "OPENAI_API_KEY") || written_key_is_set(r, "OPENROUTER_API_KEY") ||
        pool_view_has_others(r->in->pool, "openrouter"))
        return "openrouter";
    for (size_t i = 0; i < provider_table_count; i++) {
        const struct provider_row *row = &provider_table[i];
        if (row->auth != PROVIDER_API_KEY || strcmp(row->id, "copilot") == 0 || strcmp(row->id, "lmstudio") == 0)
            continue;
        for (size_t k = 0; row->key_envs[k] != NULL; k++)
            if (written_key_is_set(r, row->key_envs[k]))
                return row->id;
    }
    return NULL;
}
