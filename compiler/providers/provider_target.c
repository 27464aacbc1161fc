#include "provider_target.h"

#include <string.h>
#include <strings.h>

#include "blank.h"
#include "near_name.h"
#include "plain_name.h"
#include "shown.h"
#include "endpoint.h"

const char *provider_target_text(struct arena *arena, const struct node *node)
{
    const char *text = node_string(node);
    size_t len;
    if (text == NULL)
        return NULL;
    text = blank_strip(text, strlen(text), &len);
    return len == 0 ? NULL : arena_prefix(arena, text, len);
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

/* A plugin brings it, as the user says or as the plugin's folder is called. */
static bool brought_by_plugin(const struct resolver *r, const char *name)
{
    const struct node *named = node_get(node_get(r->in->config, "hermes_watch"), "plugin_providers");
    for (size_t i = 0; node_is(named, NODE_SEQUENCE) && i < named->count; i++)
        if (node_string(named->items[i]) != NULL && strcasecmp(node_string(named->items[i]), name) == 0)
            return true;
    for (const char *const *plugin = r->in->plugins; plugin != NULL && *plugin != NULL; plugin++)
        if (strcasecmp(*plugin, name) == 0)
            return true;
    return false;
}

/* Names of custom providers come before aliases of the table, as Hermes resolves them. */
struct meaning provider_target_meaning(const struct resolver *r, const char *name)
{
    if (name == NULL || strcasecmp(name, "auto") == 0)
        return (struct meaning){.kind = MEANS_AUTO};
    const struct provider_row *row = provider_table_find(name);
    const struct custom_provider *custom = custom_provider_find(r->in->customs, name);
    bool canonical = row != NULL && row->auth != PROVIDER_CUSTOM && strcasecmp(row->id, name) == 0;
    if (custom_provider_disabled(r->in->customs, name) && (canonical || custom == NULL))
        return (struct meaning){.kind = MEANS_DISABLED};
    if (custom != NULL && !canonical)
        return (struct meaning){.kind = MEANS_CUSTOM, .custom = custom};
    if (row != NULL)
        return (struct meaning){.kind = row->auth == PROVIDER_CUSTOM ? MEANS_ENDPOINT : MEANS_ROW, .row = row};
    bool elsewhere = known_elsewhere(name) || brought_by_plugin(r, name);
    return (struct meaning){.kind = elsewhere ? MEANS_ELSEWHERE : MEANS_NOBODY};
}

/* The provider that NAME may have meant, or NULL. */
static const char *near_provider(const struct resolver *r, const char *name)
{
    struct near_name near = {.written = name};
    provider_table_consider(&near);
    const struct custom_providers *customs = r->in->customs;
    for (size_t i = 0; i < customs->count; i++)
        if (plain_name(customs->items[i].name, strlen(customs->items[i].name)))
            near_name_consider(&near, customs->items[i].name);
    return near.best;
}

/* REQUIRED: Hermes cannot do without it. A home with plugins may have it from one of them, whatever that is called. */
static void report_unknown(struct resolver *r, struct place place, const char *name, bool required)
{
    bool plugins = r->in->plugins != NULL && r->in->plugins[0] != NULL;
    bool dropped = custom_provider_without_url(r->in->customs, name);
    struct diagnostic *d = diagnostic_add_as(
        r->diagnostics, required && !plugins ? SEVERITY_ERROR : SEVERITY_WARNING, CODE_UNKNOWN_PROVIDER, place,
        dropped ? "the entry of the provider \"%s\" has no usable base_url" : "unknown provider \"%s\"",
        shown_name(r->arena, name));
    const char *near = near_provider(r, name);
    if (dropped)
        diagnostic_help(r->diagnostics, d, "fix the base_url of its entry");
    else if (near != NULL)
        diagnostic_help(r->diagnostics, d, "did you mean \"%s\"?", near);
    else if ((unsigned char)*name >= 0x80)
        diagnostic_help(r->diagnostics, d, "write it without typographic quotes");
    else
        diagnostic_help(r->diagnostics, d,
                        "use a provider that Hermes knows, or define it under custom_providers; one that a plugin "
                        "brings is listed in hermes_watch.plugin_providers");
}

static void report_disabled(struct resolver *r, struct place place, const char *name, bool required)
{
    struct diagnostic *d = diagnostic_add_as(
        r->diagnostics, required ? SEVERITY_ERROR : SEVERITY_WARNING, CODE_DISABLED_PROVIDER, place,
        "%s is disabled (enabled: false): Hermes 0.19 and later do not use it", shown_name(r->arena, name));
    diagnostic_help(r->diagnostics, d, "use another provider, or remove `enabled: false`");
}

/* A reference that nothing resolved was named already. */
static void report(struct resolver *r, struct place place, const char *name, enum meaning_kind kind, bool required)
{
    if (strstr(name, "${") != NULL)
        return;
    if (kind == MEANS_NOBODY)
        report_unknown(r, place, name, required);
    else if (kind == MEANS_DISABLED)
        report_disabled(r, place, name, required);
}

void provider_target_check_name(struct resolver *r, const struct node *node)
{
    const char *name = provider_target_text(r->arena, node);
    if (name != NULL && strcasecmp(name, "main") != 0)
        report(r, node->place, name, provider_target_meaning(r, name).kind, false);
}

/* Whether KEY is what CUSTOM's entry has, written out or in a variable. */
static bool has_key(const struct resolver *r, const struct custom_provider *custom, const char *key)
{
    const struct pair *inline_key = custom_provider_key(custom);
    const struct pair *variable = custom_provider_variable(custom);
    const char *name = variable == NULL ? NULL : node_string(variable->value);
    const struct binding *binding = name == NULL ? NULL : environment_get(r->in->environment, name);
    const char *text = inline_key == NULL ? NULL : provider_target_text(r->arena, inline_key->value);
    return (text != NULL && strcmp(text, key) == 0) || (binding != NULL && strcmp(binding->value, key) == 0);
}

static bool has_no_key(const struct custom_provider *custom)
{
    return custom_provider_key(custom) == NULL && custom_provider_variable(custom) == NULL;
}

/* Hermes asks the pool of the first custom provider at URL. A key that stands beside the URL is that provider's,
 * another one's there, or one of its own: it never becomes the key of a provider that has another. */
static const struct custom_provider *custom_at(struct resolver *r, const char *url, const char *key)
{
    const struct custom_provider *first = custom_provider_by_url(r->arena, r->in->customs, url);
    if (first == NULL || key == NULL || has_key(r, first, key))
        return first;
    for (size_t i = 0; i < r->in->customs->count; i++) {
        const struct custom_provider *custom = &r->in->customs->items[i];
        if (custom->row == NULL && strcmp(custom->base_url, url) == 0 && has_key(r, custom, key))
            return custom;
    }
    return has_no_key(first) ? first : NULL;
}

static struct target custom_target(struct resolver *r, const struct naming *naming)
{
    const struct custom_provider *first = custom_provider_by_url(r->arena, r->in->customs, naming->base_url);
    const struct custom_provider *meant = custom_at(r, naming->base_url, naming->key);
    struct target target = {.seeds = first == NULL ? NULL : draft_for(r, first->id, NULL)};
    if (meant != NULL) {
        target.draft = draft_for(r, meant->id, NULL);
        return target;
    }
    target.draft = draft_for(r, "custom", provider_table_find("custom"));
    target.draft->provider.base_url = naming->base_url;
    target.draft->provider.url = naming->url;
    return target;
}

static struct target automatic_target(struct resolver *r, const struct naming *naming)
{
    const char *url = naming->base_url;
    if (*url == '\0')
        return (struct target){0};
    if (endpoint_host_is(url, "openrouter.ai"))
        return (struct target){.draft = draft_for(r, "openrouter", provider_table_find("openrouter"))};
    if (endpoint_host_is(url, "anthropic.com") || endpoint_host_is(url, "openai.com"))
        return (struct target){0};
    return custom_target(r, naming);
}

static struct target unknown_target(struct resolver *r, const struct naming *naming)
{
    char normal[PROVIDER_NAME_SIZE];
    (void)provider_table_normalise(naming->name, normal, sizeof normal);
    struct draft *draft = draft_for(r, arena_strdup(r->arena, normal), NULL);
    draft->provider.base_url = naming->base_url;
    draft->provider.url = naming->url;
    draft->provider.projected = *naming->base_url != '\0';
    return (struct target){.draft = draft};
}

static struct target row_target(struct resolver *r, const struct naming *naming, const struct provider_row *row)
{
    struct draft *draft = draft_for(r, row->id, row);
    draft->provider.url = naming->url;
    if (*naming->base_url != '\0') {
        draft->provider.base_url = naming->base_url;
        draft->provider.url_is_explicit = true;
    }
    return (struct target){.draft = draft};
}

struct target provider_target(struct resolver *r, const struct naming *naming)
{
    struct meaning meaning = provider_target_meaning(r, naming->name);
    switch (meaning.kind) {
    case MEANS_AUTO:
        return automatic_target(r, naming);
    case MEANS_CUSTOM:
        return (struct target){.draft = draft_for(r, meaning.custom->id, NULL)};
    case MEANS_ENDPOINT:
        return custom_target(r, naming);
    case MEANS_ROW:
        return row_target(r, naming, meaning.row);
    case MEANS_DISABLED:
        report(r, naming->place, naming->name, meaning.kind, true);
        return (struct target){0};
    default:
        report(r, naming->place, naming->name, meaning.kind, true);
        return unknown_target(r, naming);
    }
}
