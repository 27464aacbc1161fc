#include "emit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json_write.h"
#include "snapshot_format.h"

struct emitter {
    struct text *out;
    bool unread; /* nobody is going to look at the text */
    struct diagnostics *diagnostics;
};

static void cannot_say(struct emitter *e, const struct node *node, const char *what, const char *how)
{
    (void)diagnostic_add(e->diagnostics, CODE_NOT_JSON, node->place, "%s: JSON has none, so it is %s", what, how);
}

/* A value is written: when nobody is going to read it, it need not be kept. */
static void written(struct emitter *e)
{
    if (e->unread)
        e->out->len = 0;
}

static void check_text(struct emitter *e, const struct node *node)
{
    if (memchr(node->text, '\0', node->len) != NULL)
        (void)diagnostic_add(e->diagnostics, CODE_NUL_IN_TEXT, node->place, "a string contains a NUL");
}

static void emit_scalar(struct emitter *e, const struct node *node)
{
    switch (node->kind) {
    case NODE_NULL:
        text_puts(e->out, "null");
        break;
    case NODE_BOOL:
        text_puts(e->out, node->boolean ? "true" : "false");
        break;
    case NODE_INTEGER:
        text_append(e->out, node->text, node->len);
        break;
    case NODE_FLOAT:
        if (isfinite(node_number(node))) {
            text_append(e->out, node->text, node->len);
            break;
        }
        cannot_say(e, node, "an infinite number or NaN", "written as a string");
        json_write_string(e->out, node->text, node->len);
        break;
    case NODE_TIMESTAMP:
        cannot_say(e, node, "a date", "written as an ISO 8601 string");
        json_write_string(e->out, node->text, node->len);
        break;
    case NODE_BINARY:
        cannot_say(e, node, "binary data", "written as a base64 string");
        json_write_string(e->out, node->text, node->len);
        break;
    default:
        check_text(e, node);
        json_write_string(e->out, node->text, node->len);
        break;
    }
}

static void emit_node(struct emitter *e, const struct node *node);

/* The canonical text of a key; collections cannot be keys. */
static const char *key_text(const struct node *key, size_t *ret_len)
{
    if (key->kind == NODE_NULL || key->kind == NODE_BOOL) {
        const char *text = key->kind == NODE_NULL ? "null" : key->boolean ? "true" : "false";
        *ret_len = strlen(text);
        return text;
    }
    *ret_len = key->len;
    return key->text;
}

struct named {
    const char *text;
    size_t len;
    const struct node *key;
    size_t pair;
};

static int compare_named(const void *a, const void *b)
{
    const struct named *left = a;
    const struct named *right = b;
    size_t shorter = left->len < right->len ? left->len : right->len;
    int order = memcmp(left->text, right->text, shorter);
    return order != 0 ? order : left->len < right->len ? -1 : left->len > right->len;
}

static void say_same(struct emitter *e, const struct node *left_out, const struct node *kept)
{
    struct diagnostic *d = diagnostic_add(e->diagnostics, CODE_SAME_KEY, left_out->place,
                                          "the snapshot leaves this out: its name and the one on line %u become the "
                                          "same string",
                                          kept->place.line);
    diagnostic_help(e->diagnostics, d, "rename one of them, or remove it");
}

/* Only keys that are not strings can collide with others: PyYAML's map has no equal ones. Which pairs of MAP are left
 * out for it: where one of two is a string, that is what Hermes looks for. NULL: none. */
static const bool *check_keys(struct emitter *e, const struct node *map)
{
    bool all_strings = true;
    for (size_t i = 0; i < map->pair_count; i++) {
        const struct node *key = map->pairs[i].key;
        if (key->kind == NODE_STRING)
            check_text(e, key);
        else
            all_strings = false;
    }
    if (all_strings)
        return NULL;
    bool *left_out = arena_alloc(e->out->arena, map->pair_count * sizeof *left_out);
    struct named *names = arena_alloc(e->out->arena, map->pair_count * sizeof *names);
    for (size_t i = 0; i < map->pair_count; i++) {
        names[i].key = map->pairs[i].key;
        names[i].pair = i;
        names[i].text = key_text(names[i].key, &names[i].len);
    }
    qsort(names, map->pair_count, sizeof *names, compare_named);
    for (size_t i = 1; i < map->pair_count; i++)
        if (compare_named(&names[i - 1], &names[i]) == 0) {
            const bool first = names[i - 1].key->kind != NODE_STRING;
            say_same(e, names[first ? i - 1 : i].key, names[first ? i : i - 1].key);
            left_out[names[first ? i - 1 : i].pair] = true;
            if (!first)
                names[i] = names[i - 1]; /* a third one is compared with what stays */
        }
    return left_out;
}

static void emit_map(struct emitter *e, const struct node *map)
{
    const bool *left_out = check_keys(e, map);
    bool any = false;
    text_putc(e->out, '{');
    for (size_t i = 0; i < map->pair_count; i++) {
        size_t len;
        const char *name = key_text(map->pairs[i].key, &len);
        if (left_out != NULL && left_out[i])
            continue;
        if (any)
            text_putc(e->out, ',');
        any = true;
        if (map->pairs[i].key->kind != NODE_STRING)
            (void)diagnostic_add(e->diagnostics, CODE_KEY_NOT_TEXT, map->pairs[i].key->place,
                                 "YAML reads this name as %s", node_kind_name(map->pairs[i].key->kind));
        json_write_string(e->out, name, len);
        text_putc(e->out, ':');
        emit_node(e, map->pairs[i].value);
        written(e);
    }
    text_putc(e->out, '}');
}

static void emit_sequence(struct emitter *e, const struct node *node)
{
    text_putc(e->out, '[');
    for (size_t i = 0; i < node->count; i++) {
        if (i > 0)
            text_putc(e->out, ',');
        emit_node(e, node->items[i]);
        written(e);
    }
    text_putc(e->out, ']');
}

static void emit_set(struct emitter *e, const struct node *set)
{
    cannot_say(e, set, "a set", "written as a list");
    text_putc(e->out, '[');
    for (size_t i = 0; i < set->pair_count; i++) {
        if (i > 0)
            text_putc(e->out, ',');
        emit_node(e, set->pairs[i].key);
    }
    text_putc(e->out, ']');
}

static void emit_node(struct emitter *e, const struct node *node)
{
    switch (node->kind) {
    case NODE_MAP:
        emit_map(e, node);
        break;
    case NODE_SEQUENCE:
        emit_sequence(e, node);
        break;
    case NODE_SET:
        emit_set(e, node);
        break;
    default:
        emit_scalar(e, node);
        break;
    }
}

static void emit_sources(struct text *out, const struct emit_input *in)
{
    json_write_name(out, "sources");
    text_putc(out, '[');
    for (size_t i = 0; i < in->source_count; i++) {
        const struct source *source = in->sources[i];
        if (!source->present || source->kind == SOURCE_POOL)
            continue; /* auth.json changes with every request: its digest would make the snapshot volatile */
        json_write_item(out);
        text_putc(out, '{');
        json_write_member(out, "path", source->label);
        json_write_member(out, "kind", source_kind_name(source->kind));
        bool made = source->digest.text[0] != '\0';
        json_write_member(out, "digest",
                          made ? source->digest.text : fingerprint_digest(source->bytes, source->len).text);
        json_write_number(out, "bytes", source->len);
        text_putc(out, '}');
    }
    text_putc(out, ']');
}

static void emit_environment(struct emitter *e, const struct environment *environment)
{
    json_write_name(e->out, "env");
    text_putc(e->out, '{');
    for (size_t i = 0; i < environment->count; i++) {
        const struct binding *binding = &environment->items[i];
        json_write_name(e->out, binding->name);
        json_write_string(e->out, binding->value, binding->len);
    }
    text_putc(e->out, '}');
}

static void emit_origins(struct text *out, const struct origin *origins, size_t count)
{
    json_write_name(out, "origins");
    text_putc(out, '[');
    for (size_t i = 0; i < count; i++) {
        const struct place *place = &origins[i].place;
        json_write_item(out);
        text_putc(out, '{');
        json_write_place(out, *place, "auth.json");
        json_write_member(out, "key", origins[i].key);
        text_putc(out, '}');
    }
    text_putc(out, ']');
}

static void emit_credential(struct text *out, const struct provider *provider, const struct credential *credential)
{
    const char *url = provider_credential_url(provider, credential);
    json_write_item(out);
    text_putc(out, '{');
    json_write_member(out, "id", credential->id.text);
    json_write_member(out, "label", credential->label);
    json_write_member(out, "auth_type", *credential->secret == '\0' ? "none" : "api_key");
    json_write_member(out, "secret", credential->secret);
    json_write_member(out, "fingerprint", credential->fingerprint.text);
    if (strcmp(url, provider->base_url) != 0)
        json_write_member(out, "base_url", url);
    emit_origins(out, credential->origins, credential->origin_count);
    text_putc(out, '}');
}

/* A later map's header replaces an earlier one's, whatever its case. */
static bool overridden(const struct node *later, const struct node *name)
{
    for (size_t i = 0; node_is(later, NODE_MAP) && i < later->pair_count; i++)
        if (node_string(later->pairs[i].key) != NULL && strcasecmp(later->pairs[i].key->text, name->text) == 0)
            return true;
    return false;
}

void emit_headers(struct text *out, const struct provider *provider)
{
    size_t count = 0;
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; node_is(provider->headers[k], NODE_MAP) && i < provider->headers[k]->pair_count; i++) {
            const struct pair *pair = &provider->headers[k]->pairs[i];
            bool scalar = pair->value->kind == NODE_STRING || pair->value->kind == NODE_INTEGER ||
                          pair->value->kind == NODE_FLOAT;
            if (pair->key->kind != NODE_STRING || !scalar || (k == 0 && overridden(provider->headers[1], pair->key)))
                continue;
            if (count++ == 0) {
                json_write_name(out, "headers");
                text_putc(out, '{');
            }
            json_write_name(out, pair->key->text);
            json_write_string(out, pair->value->text, pair->value->len);
        }
    if (count > 0)
        text_putc(out, '}');
}

static void emit_provider(struct text *out, const struct provider *provider)
{
    json_write_name(out, provider->id);
    text_putc(out, '{');
    if (provider->alias != NULL)
        json_write_member(out, "alias", provider->alias);
    json_write_member(out, "base_url", provider->base_url);
    json_write_member(out, "strategy", strategy_name(provider->strategy));
    json_write_member(out, "auth", provider->auth);
    if (provider->ca_file != NULL)
        json_write_member(out, "ca_file", provider->ca_file);
    if (provider->unverified)
        json_write_truth(out, "verify", false);
    emit_headers(out, provider);
    json_write_name(out, "credentials");
    text_putc(out, '[');
    for (size_t i = 0; i < provider->credential_count; i++)
        emit_credential(out, provider, &provider->credentials[i]);
    text_puts(out, "]}");
}

/* A model of a provider, which NAME may stand for. */
static void emit_model(struct text *out, const char *name, const char *provider, const char *model)
{
    json_write_item(out);
    text_putc(out, '{');
    if (name != NULL)
        json_write_member(out, "name", name);
    json_write_member(out, "provider", provider);
    json_write_member(out, "model", model);
    text_putc(out, '}');
}

static void emit_fallbacks(struct text *out, const struct providers *providers)
{
    json_write_name(out, "fallbacks");
    text_putc(out, '[');
    for (size_t i = 0; i < providers->fallback_count; i++)
        emit_model(out, NULL, providers->fallbacks[i].provider, providers->fallbacks[i].model);
    text_putc(out, ']');
}

static void emit_aliases(struct text *out, const struct providers *providers)
{
    json_write_name(out, "model_aliases");
    text_putc(out, '[');
    for (size_t i = 0; i < providers->alias_count; i++)
        emit_model(out, providers->aliases[i].name, providers->aliases[i].provider, providers->aliases[i].model);
    text_putc(out, ']');
}

static void emit_shadowed(struct text *out, const struct providers *providers)
{
    json_write_name(out, "shadowed");
    text_putc(out, '[');
    for (size_t i = 0; i < providers->count; i++)
        for (size_t k = 0; k < providers->items[i]->shadowed_count; k++) {
            const struct shadowed *shadowed = &providers->items[i]->shadowed[k];
            json_write_item(out);
            text_putc(out, '{');
            json_write_member(out, "provider", providers->items[i]->id);
            json_write_member(out, "fingerprint", shadowed->fingerprint.text);
            json_write_member(out, "by", shadowed->by->id.text);
            emit_origins(out, &shadowed->origin, 1);
            text_putc(out, '}');
        }
    text_putc(out, ']');
}

/* Notes are left out: they may speak of the caller's shell, which is no source. So is what was said of auth.json: its
 * lines move with every request that Hermes makes. */
static void emit_warnings(struct text *out, const struct diagnostics *diagnostics)
{
    json_write_name(out, "warnings");
    text_putc(out, '[');
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *d = diagnostics->items[i];
        if (d->place.source != NULL && d->place.source->kind == SOURCE_POOL)
            continue;
        json_write_item(out);
        text_putc(out, '{');
        json_write_member(out, "code", diagnostic_code_pages[d->code].name);
        json_write_member(out, "severity", diagnostic_severity_name(d->severity));
        json_write_place(out, d->place, NULL);
        json_write_member(out, "message", d->message);
        if (d->help != NULL)
            json_write_member(out, "help", d->help);
        text_putc(out, '}');
    }
    text_putc(out, ']');
}

struct text emit_content(struct arena *arena, const struct emit_input *input, struct diagnostics *diagnostics)
{
    struct text out = {.arena = arena};
    struct emitter e = {&out, input->only_check, diagnostics};
    if (input->only_check) {
        emit_node(&e, input->config);
        diagnostics_sort(diagnostics);
        return (struct text){0};
    }
    text_putc(&out, '{');
    emit_sources(&out, input);
    json_write_name(&out, "config");
    emit_node(&e, input->config);
    emit_environment(&e, input->environment);
    json_write_name(&out, "default_provider");
    if (input->providers->default_id != NULL)
        json_write_string(&out, input->providers->default_id, strlen(input->providers->default_id));
    else
        text_puts(&out, "null");
    emit_fallbacks(&out, input->providers);
    if (input->providers->alias_count > 0)
        emit_aliases(&out, input->providers);
    json_write_name(&out, "providers");
    text_putc(&out, '{');
    for (size_t i = 0; i < input->providers->count; i++)
        emit_provider(&out, input->providers->items[i]);
    text_putc(&out, '}');
    emit_shadowed(&out, input->providers);
    diagnostics_sort(diagnostics);
    emit_warnings(&out, diagnostics);
    text_putc(&out, '}');
    return out;
}

void emit_snapshot(struct arena *arena, const struct text *content, long long generation, const char *home,
                   const char *compiled_at, struct piece ret[SNAPSHOT_PIECES])
{
    struct text out = {.arena = arena};
    struct digest digest = fingerprint_digest(content->bytes, content->len);
    text_puts(&out, SNAPSHOT_OPENING "{");
    json_write_name(&out, "format");
    text_printf(&out, "%d", SNAPSHOT_FORMAT);
    json_write_name(&out, "generation");
    text_printf(&out, "%lld", generation);
    json_write_member(&out, "compiled_at", compiled_at);
    json_write_member(&out, "compiler", HERMES_VERSION);
    json_write_member(&out, "home", home);
    json_write_name(&out, "content_bytes");
    text_printf(&out, "%zu", content->len);
    json_write_member(&out, "digest", digest.text);
    const size_t opening = strlen(SNAPSHOT_OPENING);
    json_write_member(&out, "meta_digest", fingerprint_digest(out.bytes + opening, out.len - opening).text);
    text_puts(&out, "}" SNAPSHOT_CONTENT);
    ret[0] = (struct piece){out.bytes, out.len};
    ret[1] = (struct piece){content->bytes, content->len};
    ret[2] = (struct piece){SNAPSHOT_CLOSING, strlen(SNAPSHOT_CLOSING)};
}
