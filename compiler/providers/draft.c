#include "draft.h"

#include <string.h>

#include "blank.h"
#include "foreign_key.h"
#include "key_check.h"
#include "learned_keys.h"
#include "plain_name.h"
#include "secret_sources.h"
#include "shown.h"
#include "source.h"
#include "endpoint.h"
#include "variable_check.h"

struct draft *draft_of(struct provider *provider)
{
    return (struct draft *)provider;
}

struct draft *draft_find(struct resolver *r, const char *id)
{
    const uint32_t *index = name_table_get(&r->ids, id);
    return index == NULL ? NULL : draft_of(r->providers[*index]);
}

struct draft *draft_for(struct resolver *r, const char *id, const struct provider_row *row)
{
    struct draft *draft = draft_find(r, id);
    if (draft != NULL)
        return draft;
    draft = arena_alloc(r->arena, sizeof *draft);
    draft->provider = (struct provider){
        .id = id,
        .row = row,
        .name = row != NULL ? row->name : id,
        .base_url = row != NULL ? row->base_url : "",
        .auth = row != NULL ? row->header : "bearer",
        .projected = row == NULL || row->auth == PROVIDER_API_KEY,
    };
    ARENA_GROW(r->arena, r->providers, r->capacity, r->count + 1);
    name_table_put(r->arena, &r->ids, id, r->count);
    r->providers[r->count++] = &draft->provider;
    return draft;
}

const char *draft_table_url(const struct resolver *r, const struct provider_row *row)
{
    const struct binding *binding =
        row->base_url_env == NULL ? NULL : environment_get(r->in->environment, row->base_url_env);
    const char *url = binding == NULL ? "" : endpoint_trimmed(r->arena, binding->value);
    return *url != '\0' ? url : row->base_url;
}

void draft_add_seed(struct resolver *r, struct draft *draft, struct seed seed)
{
    struct provider *provider = &draft->provider;
    provider->seeds = arena_extend(r->arena, provider->seeds, provider->seed_count, sizeof *provider->seeds);
    provider->seeds[provider->seed_count++] = seed;
}

static struct credential *add_credential(struct resolver *r, struct draft *draft)
{
    struct provider *provider = &draft->provider;
    provider->credentials =
        arena_extend(r->arena, provider->credentials, provider->credential_count, sizeof *provider->credentials);
    return &provider->credentials[provider->credential_count++];
}

static void add_origin(struct resolver *r, struct credential *credential, struct place place, const char *key)
{
    credential->origins =
        arena_extend(r->arena, credential->origins, credential->origin_count, sizeof *credential->origins);
    credential->origins[credential->origin_count++] = (struct origin){place, key};
}

enum { FEW = 16 };

static void index_key(struct resolver *r, struct draft *draft, size_t index)
{
    const char *fingerprint = draft->provider.credentials[index].fingerprint.text;
    if (draft->keys == NULL)
        draft->keys = arena_alloc(r->arena, sizeof *draft->keys);
    name_table_put(r->arena, draft->keys, arena_strdup(r->arena, fingerprint), index);
}

/* The credential of that key, or NULL. */
static struct credential *find_key(struct draft *draft, const struct fingerprint *fingerprint)
{
    struct provider *provider = &draft->provider;
    if (provider->credential_count > FEW) {
        const uint32_t *index = name_table_get(draft->keys, fingerprint->text);
        return index == NULL ? NULL : &provider->credentials[*index];
    }
    for (size_t i = 0; i < provider->credential_count; i++)
        if (strcmp(provider->credentials[i].fingerprint.text, fingerprint->text) == 0)
            return &provider->credentials[i];
    return NULL;
}

struct credential *draft_add_key(struct resolver *r, struct draft *draft, enum credential_rank rank, const char *secret,
                                 size_t len, struct origin origin)
{
    learned_keys_add(secret, len);
    struct fingerprint fingerprint = fingerprint_of(secret, len);
    struct credential *credential = find_key(draft, &fingerprint);
    if (credential != NULL) {
        add_origin(r, credential, origin.place, arena_strdup(r->arena, origin.key));
        return credential;
    }
    const char *source = origin.place.source == NULL ? "" : origin.place.source->label;
    /* Of a fleet without its revision: the same key is the same entry of the pool with the next one, too. */
    bool fleet = origin.place.source != NULL && origin.place.source->kind == SOURCE_FLEET_ENV;
    size_t len_shown = fleet ? strcspn(source, "@") : strlen(source);
    /* The key is its end. */
    const char *label = arena_printf(r->arena, "%.*s %s", (int)len_shown, source, origin.key);
    credential = add_credential(r, draft);
    *credential = (struct credential){
        .id = fingerprint_credential_id(draft->provider.id, secret, len),
        .fingerprint = fingerprint,
        .rank = rank,
        .secret = arena_prefix(r->arena, secret, len),
        .label = label,
    };
    add_origin(r, credential, origin.place, label + len_shown + 1);
    size_t count = draft->provider.credential_count;
    for (size_t i = count == FEW + 1 ? 0 : count - 1; count > FEW && i < count; i++)
        index_key(r, draft, i);
    return credential;
}

void draft_note_shadowed(struct resolver *r, struct draft *draft, const char *secret, size_t len, struct origin origin)
{
    struct provider *provider = &draft->provider;
    provider->shadowed =
        arena_extend(r->arena, provider->shadowed, provider->shadowed_count, sizeof *provider->shadowed);
    provider->shadowed[provider->shadowed_count++] =
        (struct shadowed){.fingerprint = fingerprint_of(secret, len),
                          .secret = arena_prefix(r->arena, secret, len),
                          .origin = {origin.place, arena_strdup(r->arena, origin.key)}};
}

void draft_warn_shadowed(struct resolver *r, const struct draft *draft, struct origin origin,
                         const struct fingerprint *fingerprint)
{
    const struct credential *first = &draft->provider.credentials[0];
    struct diagnostic *d = diagnostic_add(r->diagnostics, CODE_SHADOWED_KEY, origin.place,
                                          "%s is another key for %s than %s, which is used first", origin.key,
                                          shown_name(r->arena, draft->provider.id), first->origins[0].key);
    diagnostic_note(r->diagnostics, d, "%s: %s, %s: %s", origin.key, fingerprint->text, first->origins[0].key,
                    first->fingerprint.text);
}

/* NULL: the key is one that goes out, which has one more origin now. */
static struct shadowed *shadow(struct resolver *r, struct draft *draft, const char *secret, size_t len,
                               struct origin origin)
{
    struct fingerprint fingerprint = fingerprint_of(secret, len);
    struct credential *known = find_key(draft, &fingerprint);
    if (known != NULL) {
        add_origin(r, known, origin.place, arena_strdup(r->arena, origin.key));
        return NULL;
    }
    draft_note_shadowed(r, draft, secret, len, origin);
    return &draft->provider.shadowed[draft->provider.shadowed_count - 1];
}

void draft_shadow_key(struct resolver *r, struct draft *draft, const char *secret, size_t len, struct origin origin)
{
    const struct shadowed *shadowed = shadow(r, draft, secret, len, origin);
    if (shadowed != NULL)
        draft_warn_shadowed(r, draft, origin, &shadowed->fingerprint);
}

void draft_shadow_outvoted(struct resolver *r, struct draft *draft, struct place winner, const char *secret, size_t len,
                           struct origin origin)
{
    struct shadowed *shadowed = shadow(r, draft, secret, len, origin);
    if (shadowed == NULL)
        return;
    shadowed->outvoted = true;
    struct diagnostic *d = diagnostic_add(r->diagnostics, CODE_SHADOWED_KEY, origin.place,
                                          "%s is another key for %s here than in %s, which wins", origin.key,
                                          shown_name(r->arena, draft->provider.id), winner.source->label);
    diagnostic_help(r->diagnostics, d, "remove the one that is not meant");
}

/* What other files say of a variable. In one file the last line counts, and a warning names the others. */
static void shadow_hidden_bindings(struct resolver *r, struct draft *draft, const struct binding *binding)
{
    for (const struct binding *hidden = binding->hidden; hidden != NULL; hidden = hidden->hidden) {
        size_t len;
        const char *text = blank_strip(hidden->value, hidden->len, &len);
        if (hidden->place.source != binding->place.source && key_check_unusable(text, len) == NULL)
            draft_shadow_outvoted(r, draft, binding->place, text, len,
                                  (struct origin){hidden->place, shown_name(r->arena, hidden->name)});
    }
}

static void warn_suspicious(struct resolver *r, const char *secret, size_t len, struct origin origin)
{
    const struct key_doubt doubt = key_check_suspicious(secret, len);
    if (doubt.why == NULL)
        return;
    struct diagnostic *d = diagnostic_add(r->diagnostics, CODE_SUSPICIOUS_KEY, origin.place,
                                          "%s %s: the provider will probably refuse it", origin.key, doubt.why);
    diagnostic_help(r->diagnostics, d, "%s", doubt.help);
}

void draft_report_unset_variable(struct resolver *r, struct draft *draft, const struct node *node, const char *path,
                                 const char *name)
{
    if (secret_sources_may_set(node_get(r->in->config, "secrets"), name)) {
        draft->provider.awaited = true;
        (void)diagnostic_add(
            r->diagnostics, CODE_NOT_COMPILED, node->place,
            "%s names a variable that a source of secrets sets when Hermes starts; the snapshot has no key "
            "of it",
            path);
        return;
    }
    struct diagnostic *d = diagnostic_add(r->diagnostics, CODE_UNSET_VARIABLE, node->place,
                                          "%s names a variable that no env file sets", path);
    const char *near = d == NULL ? NULL : variable_check_near(r->in->environment, name);
    near = near != NULL || d == NULL ? near : variable_check_sister(r->in->environment, name);
    if (strpbrk(name, "${}") != NULL)
        diagnostic_help(r->diagnostics, d, "write the name alone, without $ and braces");
    else if (!plain_name(name, strlen(name)))
        diagnostic_help(r->diagnostics, d, "write the name of a variable; a key belongs in api_key");
    else
        diagnostic_help(r->diagnostics, d, near != NULL ? "did you mean `%s`?" : "add it to .env", near);
}

/* A server on this machine, or one that asks for no key anywhere: what stands there is only said not to be one. */
static bool needs_no_key(const struct provider *provider)
{
    bool custom = provider->row == NULL || provider->row->auth == PROVIDER_CUSTOM;
    return (custom && endpoint_is_local(provider->base_url)) ||
           (provider->row != NULL && strcmp(provider->row->id, "lmstudio") == 0);
}

/* Says why TEXT, which is none, is no key. */
static void report_unusable(struct resolver *r, struct draft *draft, struct origin origin, const char *text, size_t len,
                            const char *why)
{
    bool config = origin.place.source != NULL &&
                  (origin.place.source->kind == SOURCE_CONFIG || origin.place.source->kind == SOURCE_MANAGED_CONFIG);
    bool reference = key_check_is_secret_reference(text, len);
    enum severity severity = config && key_check_is_unclosed(text, len) ? SEVERITY_ERROR
                             : needs_no_key(&draft->provider)           ? SEVERITY_HINT
                                                                        : SEVERITY_WARNING;
    if (reference)
        draft->provider.awaited = true;
    if (reference && secret_sources_may_set(node_get(r->in->config, "secrets"), config ? NULL : origin.key)) {
        (void)diagnostic_add(r->diagnostics, CODE_NOT_COMPILED, origin.place,
                             "%s %s: Hermes gets the key when it starts, and the snapshot has nothing of it",
                             origin.key, why);
        return;
    }
    struct diagnostic *d = diagnostic_add_as(r->diagnostics, severity,
                                             severity == SEVERITY_ERROR ? CODE_UNCLOSED_REFERENCE : CODE_UNUSABLE_KEY,
                                             origin.place, "%s %s: it is not a key", origin.key, why);
    if (d != NULL && !config)
        d->variable = origin.key;
    diagnostic_help(r->diagnostics, d,
                    strstr(why, "URL") != NULL   ? "put the provider's key here; its URL belongs in base_url"
                    : reference                  ? "turn on the source of secrets under `secrets`, or put the key here"
                    : severity == SEVERITY_ERROR ? "close it with }"
                    : strstr(why, "variable") != NULL || strstr(why, "reference") != NULL
                        ? "write ${NAME} for the value of a variable, or put the key here"
                        : "put the provider's key here, or remove the entry");
}

/* The text of a key written in config.yaml, or NULL after saying why it is none. An empty one is simply not there. */
static const char *config_key(struct resolver *r, struct draft *draft, const struct node *node, const char *path,
                              size_t *ret_len)
{
    if (node == NULL || node->kind == NODE_NULL || !node_truthy(node))
        return NULL;
    if (node->kind != NODE_STRING) {
        struct diagnostic *d = diagnostic_add_as(r->diagnostics, SEVERITY_ERROR, CODE_NOT_TEXT, node->place,
                                                 "%s is %s, not a string: the key would not be what is written here",
                                                 path, node_kind_name(node->kind));
        diagnostic_help(r->diagnostics, d,
                        node->kind == NODE_SEQUENCE || node->kind == NODE_MAP ? "write one key, as a string"
                                                                              : "put it in quotes");
        return NULL;
    }
    if (memchr(node->text, '\0', node->len) != NULL) {
        (void)diagnostic_add(r->diagnostics, CODE_NUL_IN_TEXT, node->place, "%s contains a NUL", path);
        return NULL;
    }
    const char *text = blank_strip(node->text, node->len, ret_len);
    const char *why = key_check_unusable(text, *ret_len);
    if (memmem(text, *ret_len, "${", 2) != NULL && !key_check_is_unclosed(text, *ret_len)) {
        draft->provider.awaited = true;
        return NULL; /* what is wrong with the reference was said already */
    }
    if (why == NULL)
        return text;
    report_unusable(r, draft, (struct origin){node->place, path}, text, *ret_len, why);
    return NULL;
}

void draft_add_config_key(struct resolver *r, struct draft *draft, enum credential_rank rank, const struct node *node,
                          const char *path)
{
    size_t len;
    const char *text = config_key(r, draft, node, path, &len);
    if (text == NULL)
        return;
    struct origin origin = {node->place, path};
    if (rank == RANK_CONFIG && !foreign_key_check(r, draft, text, len, origin))
        return;
    warn_suspicious(r, text, len, origin);
    (void)draft_add_key(r, draft, rank, text, len, origin);
}

void draft_add_variable(struct resolver *r, struct draft *draft, enum credential_rank rank, const char *name)
{
    const struct binding *binding = environment_get(r->in->environment, name);
    size_t len;
    if (binding == NULL)
        return;
    const char *text = blank_strip(binding->value, binding->len, &len);
    const char *why = key_check_unusable(text, len);
    struct origin origin = {binding->place, shown_name(r->arena, name)};
    if (len == 0)
        return;
    if (secret_sources_replace(node_get(r->in->config, "secrets"), name) && !key_check_is_secret_reference(text, len)) {
        draft->provider.awaited = true;
        struct diagnostic *d = diagnostic_add(
            r->diagnostics, CODE_PLAIN_COPY, binding->place,
            "a source of secrets sets %s as well, and Hermes uses that value: this one counts for nothing", origin.key);
        diagnostic_help(r->diagnostics, d, "remove the plain copy");
        return;
    }
    if (why != NULL) {
        report_unusable(r, draft, origin, text, len, why);
        return;
    }
    warn_suspicious(r, text, len, origin);
    (void)draft_add_key(r, draft, rank, text, len, origin);
    if (rank != RANK_TASK)
        shadow_hidden_bindings(r, draft, binding);
}
