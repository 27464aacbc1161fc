#include "task_providers.h"

#include <string.h>
#include <strings.h>

#include "host_key.h"
#include "key_check.h"
#include "lower_case.h"
#include "model_routes.h"
#include "name_table.h"
#include "provider_target.h"
#include "shown.h"
#include "endpoint.h"
#include "written_key.h"

struct tasks {
    struct resolver *r;
    struct draft *main_provider;
    struct providers *result;
    struct name_table *listed; /* the fallbacks in it, in lower case */
};

struct task {
    const struct node *entry;
    const char *path;            /* "fallback_providers[0]" */
    const struct node *name;     /* of its provider; NULL: the main one */
    const char *base_url;        /* of its own, or "" */
    struct place place;          /* of that; without one, of the task */
    const struct node *key;      /* of its own, or NULL */
    const struct node *variable; /* that has its key, or NULL */
    const char *variable_path;
};

static struct task task_of(struct arena *arena, const struct node *entry, const char *path)
{
    static const char *const variables[] = {"key_env", "api_key_env"};
    const struct node *written = node_get(entry, "base_url");
    const char *url = node_string(written);
    struct task task = {.entry = entry,
                        .path = path,
                        .name = node_get(entry, "provider"),
                        .base_url = url == NULL ? "" : endpoint_trimmed(arena, url),
                        .place = url == NULL ? entry->place : written->place,
                        .key = node_get(entry, "api_key")};
    if (!node_truthy(task.key))
        task.key = NULL;
    for (size_t i = 0; i < 2 && task.variable == NULL; i++)
        if (node_truthy(node_get(entry, variables[i]))) {
            task.variable = node_get(entry, variables[i]);
            task.variable_path = arena_printf(arena, "%s.%s", path, variables[i]);
        }
    return task;
}

/* The provider that the task names; NULL: an endpoint of its own, or nobody. */
static struct draft *named_draft(const struct tasks *t, const struct task *task, struct meaning *ret_meaning)
{
    struct resolver *r = t->r;
    const char *name = provider_target_text(r->arena, task->name);
    bool main_one = name == NULL || strcasecmp(name, "auto") == 0 || strcasecmp(name, "main") == 0;
    *ret_meaning = main_one ? (struct meaning){.kind = MEANS_AUTO} : provider_target_meaning(r, name);
    if (main_one)
        return t->main_provider;
    if (ret_meaning->kind == MEANS_CUSTOM)
        return draft_find(r, ret_meaning->custom->id);
    if (ret_meaning->kind == MEANS_ROW)
        return draft_find(r, ret_meaning->row->id);
    return NULL;
}

/* The keys of PROVIDER, which may be sent to the task's URL as well: the file names both. One that is bound to a URL of
 * its own is not among them. */
static void share_keys(struct resolver *r, struct draft *draft, const struct provider *provider)
{
    for (size_t i = 0; i < provider->credential_count; i++) {
        const struct credential *credential = &provider->credentials[i];
        for (size_t k = 0; credential->base_url == NULL && k < credential->origin_count; k++)
            (void)draft_add_key(r, draft, RANK_TASK, credential->secret, strlen(credential->secret),
                                credential->origins[k]);
    }
}

/* The key that stands in the task itself, or else the one of its variable. */
static void add_own_key(const struct tasks *t, const struct task *task, struct draft *draft)
{
    struct resolver *r = t->r;
    const char *name = node_string(task->variable);
    size_t before = draft->provider.credential_count;
    if (task->key != NULL)
        written_key_add(r, draft, RANK_TASK, task->key, arena_printf(r->arena, "%s.api_key", task->path));
    if (name == NULL || draft->provider.credential_count > before || node_truthy(task->key))
        return;
    if (environment_get(r->in->environment, name) != NULL)
        written_key_add_variable(r, draft, RANK_TASK, name);
    else
        written_key_report_unset(r, draft, task->variable, task->variable_path, name);
}

/* The text of the key that the task itself names; NULL: none, or none that is usable. */
static const char *own_key(const struct tasks *t, const struct task *task)
{
    const char *name = node_string(task->variable);
    const struct binding *binding = name == NULL ? NULL : environment_get(t->r->in->environment, name);
    const char *text = task->key != NULL ? provider_target_text(t->r->arena, task->key) : NULL;
    if (task->key == NULL && binding != NULL)
        text = binding->value;
    return text == NULL || key_check_unusable(text, strlen(text)) != NULL ? NULL : text;
}

static bool holds(const struct provider *provider, const char *key)
{
    for (size_t i = 0; i < provider->credential_count; i++)
        if (strcmp(provider->credentials[i].secret, key) == 0)
            return true;
    return false;
}

static struct draft *own_draft(const struct tasks *t, const struct task *task, const struct draft *named,
                               const struct meaning *meaning)
{
    const struct provider_row *row = named != NULL ? named->provider.row : meaning->row;
    struct draft *draft = draft_for(t->r, task->path, row);
    draft->provider.name = task->path;
    draft->provider.projected = false;
    draft->provider.url_is_explicit = true;
    draft->provider.url = (struct origin){task->place, arena_printf(t->r->arena, "%s.base_url", task->path)};
    if (*task->base_url != '\0')
        draft->provider.base_url = task->base_url;
    else if (named != NULL)
        draft->provider.base_url = named->provider.base_url;
    else if (meaning->row != NULL)
        draft->provider.base_url = draft_table_url(t->r, meaning->row);
    if (named != NULL)
        memcpy(draft->provider.headers, named->provider.headers, sizeof draft->provider.headers);
    return draft;
}

/* A key of its own, where it names one. Else those of the provider that it names; else the one that is called like its
 * host. */
static void add_keys(const struct tasks *t, const struct task *task, struct draft *draft, const struct draft *named)
{
    struct resolver *r = t->r;
    add_own_key(t, task, draft);
    if (draft->provider.credential_count > 0 || draft->provider.awaited)
        return;
    if (named != NULL)
        share_keys(r, draft, &named->provider);
    else
        host_key_add(r, draft);
}

/* A task that names no key of its own asks whoever serves its URL, if that is known. */
static const struct custom_provider *known_at(const struct tasks *t, const struct task *task, enum meaning_kind kind)
{
    bool bare = kind == MEANS_ENDPOINT || kind == MEANS_AUTO;
    return bare && *task->base_url != '\0' && task->key == NULL && task->variable == NULL
               ? custom_provider_by_url(t->r->arena, t->r->in->customs, task->base_url)
               : NULL;
}

static void report_homeless_key(const struct tasks *t, const struct task *task)
{
    if (task->key == NULL && task->variable == NULL)
        return;
    struct diagnostic *d = diagnostic_add(t->r->diagnostics, CODE_KEY_WITHOUT_PROVIDER, task->entry->place,
                                          "the key of %s belongs to no provider: nothing uses it", task->path);
    diagnostic_help(t->r->diagnostics, d, "name its provider, or its base_url");
}

/* Whom the task asks, by id; NULL: nobody. */
static const char *asked(const struct tasks *t, const struct task *task)
{
    struct meaning meaning;
    struct draft *named = named_draft(t, task, &meaning);
    const char *key = own_key(t, task);
    const struct custom_provider *known = known_at(t, task, meaning.kind);
    bool unknown = meaning.kind == MEANS_NOBODY || meaning.kind == MEANS_DISABLED;
    bool elsewhere =
        *task->base_url != '\0' && (named == NULL || strcmp(named->provider.base_url, task->base_url) != 0);
    bool no_host = *task->base_url == '\0' && named == NULL && meaning.row == NULL;
    if (known != NULL)
        return known->id;
    if (unknown || no_host || (meaning.kind == MEANS_ENDPOINT && *task->base_url == '\0')) {
        report_homeless_key(t, task);
        return NULL;
    }
    if (!elsewhere && (key == NULL || (named != NULL && holds(&named->provider, key)))) {
        struct draft *whole = named != NULL ? named : draft_for(t->r, meaning.row->id, meaning.row);
        add_own_key(t, task, whole); /* one more place of a key that it has, or what is wrong with the task's */
        return whole->provider.id;
    }
    struct draft *draft = own_draft(t, task, named, &meaning);
    add_keys(t, task, draft, named);
    return draft->provider.id;
}

static const char *add_entry(const struct tasks *t, const struct node *entry, const char *path)
{
    struct task task = task_of(t->r->arena, entry, path);
    provider_target_check_name(t->r, task.name);
    return asked(t, &task);
}

/* Side tasks that use what their provider has anyway add nothing. */
static void add_side_task(const struct tasks *t, const struct node *entry, const char *path)
{
    if (node_is(entry, NODE_MAP))
        (void)add_entry(t, entry, path);
}

/* Whether a fallback of that provider, model and URL stands before it. */
static bool listed(const struct tasks *t, const char *provider, const char *model, const char *url)
{
    const char *written = arena_printf(t->r->arena, "%s\n%s\n%s", provider, model, url);
    size_t size = lower_case(written, strlen(written), NULL, 0) + 1;
    char *name = arena_alloc(t->r->arena, size);
    (void)lower_case(written, strlen(written), name, size);
    if (name_table_get(t->listed, name) != NULL)
        return true;
    name_table_put(t->r->arena, t->listed, name, 0);
    return false;
}

/* Hermes leaves out a fallback without provider or model, and one that stands before it already. */
static void add_fallback(const struct tasks *t, const struct node *entry, const char *path)
{
    struct arena *arena = t->r->arena;
    struct providers *result = t->result;
    if (!node_is(entry, NODE_MAP))
        return;
    const char *model = provider_target_text(arena, node_get(entry, "model"));
    const char *named = provider_target_text(arena, node_get(entry, "provider"));
    const char *url = node_string(node_get(entry, "base_url"));
    if (model != NULL && named != NULL && listed(t, named, model, url == NULL ? "" : endpoint_trimmed(arena, url)))
        return;
    const char *provider = add_entry(t, entry, path);
    if (provider == NULL || model == NULL || named == NULL)
        return;
    result->fallbacks = arena_extend(arena, result->fallbacks, result->fallback_count, sizeof *result->fallbacks);
    result->fallbacks[result->fallback_count++] = (struct fallback){provider, model};
}

static void add_list(const struct tasks *t, const struct node *list, const char *path,
                     void (*add)(const struct tasks *, const struct node *, const char *))
{
    if (node_is(list, NODE_MAP))
        add(t, list, path);
    if (!node_is(list, NODE_SEQUENCE))
        return;
    for (size_t i = 0; i < list->count; i++)
        add(t, list->items[i], arena_printf(t->r->arena, "%s[%zu]", path, i));
}

static void note_alias(const struct tasks *t, const char *name, const char *provider, const char *model)
{
    struct providers *result = t->result;
    if (provider == NULL || model == NULL)
        return;
    result->aliases = arena_extend(t->r->arena, result->aliases, result->alias_count, sizeof *result->aliases);
    result->aliases[result->alias_count++] = (struct model_alias){name, provider, model};
}

/* Those of `model.aliases`: "provider/model", or a model of the main provider. An entry of model_aliases goes first. */
static void add_short_aliases(const struct tasks *t)
{
    struct arena *arena = t->r->arena;
    const struct node *all = node_get(node_get(t->r->in->config, "model"), "aliases");
    const char *main_one = t->main_provider == NULL ? NULL : t->main_provider->provider.id;
    for (size_t i = 0; node_is(all, NODE_MAP) && i < all->pair_count; i++) {
        const char *name = provider_target_text(arena, all->pairs[i].key);
        const char *text = provider_target_text(arena, all->pairs[i].value);
        const char *slash = text == NULL ? NULL : strchr(text, '/');
        if (name != NULL && slash != NULL && slash > text && slash[1] != '\0')
            note_alias(t, name, arena_printf(arena, "%.*s", (int)(slash - text), text), slash + 1);
        else if (name != NULL && slash == NULL)
            note_alias(t, name, main_one, text);
    }
}

/* Each entry of the map that is called NAME, by its place. */
static void add_map(const struct tasks *t, const char *name)
{
    bool aliases = strcmp(name, "model_aliases") == 0;
    struct arena *arena = t->r->arena;
    const struct node *all = node_get(t->r->in->config, name);
    for (size_t i = 0; node_is(all, NODE_MAP) && i < all->pair_count; i++) {
        const char *key = node_string(all->pairs[i].key);
        const struct node *task = all->pairs[i].value;
        if (key == NULL || !node_is(task, NODE_MAP))
            continue;
        const char *path = arena_printf(arena, "%s.%s", name, shown_name(arena, key));
        const char *provider = add_entry(t, task, path);
        if (provider == NULL) /* nobody's: then it is told so by name */
            provider = provider_target_text(arena, node_get(task, "provider"));
        if (aliases)
            note_alias(t, key, provider, provider_target_text(arena, node_get(task, "model")));
        add_list(t, node_get(task, "fallback_chain"), arena_printf(arena, "%s.fallback_chain", path), add_side_task);
    }
}

/* Hermes's API server sends a route's key itself: here it is only looked at. */
static void check_routes(const struct tasks *t)
{
    struct resolver *r = t->r;
    const struct node *routes = model_routes_of(r->in->config);
    for (size_t i = 0; routes != NULL && i < routes->pair_count; i++) {
        const struct node *route = routes->pairs[i].value;
        const char *name = node_string(routes->pairs[i].key);
        const char *url = node_string(node_get(route, "base_url"));
        struct draft unused = {.provider = {.id = MODEL_ROUTES, .base_url = url == NULL ? "" : url}};
        if (name == NULL || !node_is(route, NODE_MAP))
            continue;
        provider_target_check_name(r, node_get(route, "provider"));
        written_key_add(r, &unused, RANK_TASK, node_get(route, "api_key"),
                        model_routes_path(r->arena, name, "api_key"));
    }
}

void task_providers_add(struct resolver *r, struct draft *main_provider, struct providers *ret)
{
    struct name_table listed = {0};
    const struct tasks t = {r, main_provider, ret, &listed};
    const struct node *config = r->in->config;
    add_list(&t, node_get(config, "fallback_providers"), "fallback_providers", add_fallback);
    add_list(&t, node_get(config, "fallback_model"), "fallback_model", add_fallback);
    add_map(&t, "auxiliary");
    add_map(&t, "model_aliases");
    add_short_aliases(&t);
    add_side_task(&t, node_get(config, "delegation"), "delegation");
    check_routes(&t);
}
