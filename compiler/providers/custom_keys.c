#include "custom_keys.h"

#include <string.h>

#include "blank.h"
#include "custom_provider.h"
#include "dialect.h"
#include "key_check.h"
#include "provider_target.h"
#include "shadowed_key.h"
#include "written_key.h"

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
        written_key_report_unset(r, draft, variable->value, path_of(r, custom, variable), name);
    if (binding == NULL)
        return;
    if (!has_inline_key || draft->provider.credential_count == 0)
        written_key_add_variable(r, draft, RANK_CONFIG, name);
    else
        shadowed_key_add_variable(r, draft, binding);
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
    return name != NULL && written_key_is_set(r, name) ? name : NULL;
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
        shadowed_key_add(r, draft, text, len, (struct origin){key->value->place, path_of(r, custom, key)});
}

static void add_inline_key(struct resolver *r, struct draft *draft, const struct custom_provider *custom)
{
    const struct pair *key = custom_provider_key(custom);
    if (key == NULL)
        return;
    written_key_add(r, draft, RANK_CONFIG, key->value, path_of(r, custom, key));
    const struct node *users =
        custom->alias == NULL ? NULL : node_get(node_get(r->in->user_config, "providers"), custom->alias);
    const struct node *users_key = node_get(users, key->key->text);
    if (users_key != NULL)
        shadowed_key_add_users(r, draft, key->value, users_key, path_of(r, custom, key));
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
    draft_add_seed(r, draft,
                   (struct seed){"config:", custom->name, arena_prefix(r->arena, text, len), true, false, false});
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
                         "Hermes 0.20.2 and later run this command to get a key; the snapshot does not have it");
    return true;
}

void custom_keys_add(struct resolver *r, const struct custom_provider *custom)
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
    draft->provider.unverified = dialect_unverified(custom->entry, r->diagnostics);
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
        written_key_add_variable(r, draft, RANK_CONFIG, variable);
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
