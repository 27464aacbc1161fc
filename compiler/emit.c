#include "emit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot_format.h"

struct emitter {
    struct text *out;
    struct diagnostics *diagnostics;
};

void emit_string(struct text *out, const char *text, size_t len)
{
    size_t start = 0;
    text_putc(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        text_append(out, text + start, i - start);
        start = i + 1;
        if (c == '"' || c == '\\')
            text_append(out, (const char[]){'\\', (char)c}, 2);
        else if (c == '\n')
            text_append(out, "\\n", 2);
        else
            text_printf(out, "\\u%04x", c);
    }
    text_append(out, text + start, len - start);
    text_putc(out, '"');
}

static void put_string(struct text *out, const char *text)
{
    emit_string(out, text, strlen(text));
}

/* `"name":`, with the comma of what stands before it. */
static void put_name(struct text *out, const char *name)
{
    char last = out->len > 0 ? out->bytes[out->len - 1] : '{';
    if (last != '{' && last != '[')
        text_putc(out, ',');
    put_string(out, name);
    text_putc(out, ':');
}

static void put_member(struct text *out, const char *name, const char *value)
{
    put_name(out, name);
    put_string(out, value);
}

static void next_item(struct text *out)
{
    if (out->bytes[out->len - 1] != '[')
        text_putc(out, ',');
}

static void cannot_say(struct emitter *e, const struct node *node, const char *what, const char *how)
{
    (void)diagnose(e->diagnostics, SEVERITY_WARNING, "not-json", node->place, "%s here: JSON has none, so it is %s",
                   what, how);
}

static void check_text(struct emitter *e, const struct node *node)
{
    if (memchr(node->text, '\0', node->len) != NULL)
        (void)diagnose(e->diagnostics, SEVERITY_ERROR, "nul-in-text", node->place, "a text contains a NUL");
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
        if (isfinite(node->number)) {
            text_append(e->out, node->text, node->len);
            break;
        }
        cannot_say(e, node, "a number without an end", "written as text");
        emit_string(e->out, node->text, node->len);
        break;
    case NODE_TIMESTAMP:
        cannot_say(e, node, "a date", "written as ISO 8601 text");
        emit_string(e->out, node->text, node->len);
        break;
    case NODE_BINARY:
        cannot_say(e, node, "binary data", "written as base64 text");
        emit_string(e->out, node->text, node->len);
        break;
    default:
        check_text(e, node);
        emit_string(e->out, node->text, node->len);
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
};

static int compare_named(const void *a, const void *b)
{
    const struct named *left = a;
    const struct named *right = b;
    size_t shorter = left->len < right->len ? left->len : right->len;
    int order = memcmp(left->text, right->text, shorter);
    return order != 0 ? order : left->len < right->len ? -1 : left->len > right->len;
}

/* Only keys that are not strings can collide with others: PyYAML's map has no equal ones. */
static void check_keys(struct emitter *e, const struct node *map)
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
        return;
    struct named *names = arena_alloc(e->out->arena, map->pair_count * sizeof *names);
    for (size_t i = 0; i < map->pair_count; i++) {
        names[i].key = map->pairs[i].key;
        names[i].text = key_text(names[i].key, &names[i].len);
    }
    qsort(names, map->pair_count, sizeof *names, compare_named);
    for (size_t i = 1; i < map->pair_count; i++)
        if (compare_named(&names[i - 1], &names[i]) == 0) {
            struct diagnostic *d = diagnose(e->diagnostics, SEVERITY_ERROR, "same-key", names[i].key->place,
                                            "this key and the one in line %u become the same text",
                                            names[i - 1].key->place.line);
            diagnostic_help(e->diagnostics, d, "rename one of them, or remove it");
        }
}

static void emit_map(struct emitter *e, const struct node *map)
{
    check_keys(e, map);
    text_putc(e->out, '{');
    for (size_t i = 0; i < map->pair_count; i++) {
        size_t len;
        const char *name = key_text(map->pairs[i].key, &len);
        if (i > 0)
            text_putc(e->out, ',');
        if (map->pairs[i].key->kind != NODE_STRING)
            (void)diagnose(e->diagnostics, SEVERITY_WARNING, "key-not-text", map->pairs[i].key->place,
                           "YAML makes %s of this key", node_kind_name(map->pairs[i].key->kind));
        emit_string(e->out, name, len);
        text_putc(e->out, ':');
        emit_node(e, map->pairs[i].value);
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
    put_name(out, "sources");
    text_putc(out, '[');
    for (size_t i = 0; i < in->source_count; i++) {
        const struct source *source = in->sources[i];
        if (!source->present || source->kind == SOURCE_POOL)
            continue; /* auth.json changes with every request: its digest would make the snapshot volatile */
        next_item(out);
        text_putc(out, '{');
        put_member(out, "path", source->label);
        put_member(out, "kind", source_kind_name(source->kind));
        put_member(out, "digest", source->digest.text);
        put_name(out, "bytes");
        text_printf(out, "%zu}", source->len);
    }
    text_putc(out, ']');
}

static void emit_environment(struct emitter *e, const struct environment *environment)
{
    put_name(e->out, "env");
    text_putc(e->out, '{');
    for (size_t i = 0; i < environment->count; i++) {
        const struct binding *binding = &environment->items[i];
        put_name(e->out, binding->name);
        emit_string(e->out, binding->value, binding->len);
    }
    text_putc(e->out, '}');
}

static void emit_origins(struct text *out, const struct origin *origins, size_t count)
{
    put_name(out, "origins");
    text_putc(out, '[');
    for (size_t i = 0; i < count; i++) {
        const struct place *place = &origins[i].place;
        next_item(out);
        text_putc(out, '{');
        put_member(out, "path", place->source == NULL ? "auth.json" : place->source->label);
        if (place->line > 0) {
            put_name(out, "line");
            text_printf(out, "%u", place->line);
            put_name(out, "column");
            text_printf(out, "%u", place->column);
        }
        put_member(out, "key", origins[i].key);
        text_putc(out, '}');
    }
    text_putc(out, ']');
}

static void emit_credential(struct text *out, const struct credential *credential)
{
    next_item(out);
    text_putc(out, '{');
    put_member(out, "id", credential->id.text);
    put_member(out, "label", credential->label);
    put_member(out, "auth_type", "api_key");
    put_member(out, "secret", credential->secret);
    put_member(out, "fingerprint", credential->fingerprint.text);
    emit_origins(out, credential->origins, credential->origin_count);
    text_putc(out, '}');
}

static void emit_provider(struct text *out, const struct provider *provider)
{
    put_name(out, provider->id);
    text_putc(out, '{');
    put_member(out, "base_url", provider->base_url);
    put_member(out, "strategy", provider->strategy);
    put_member(out, "auth", provider->auth);
    put_name(out, "credentials");
    text_putc(out, '[');
    for (size_t i = 0; i < provider->credential_count; i++)
        emit_credential(out, &provider->credentials[i]);
    text_puts(out, "]}");
}

static void emit_shadowed(struct text *out, const struct providers *providers)
{
    put_name(out, "shadowed");
    text_putc(out, '[');
    for (size_t i = 0; i < providers->count; i++)
        for (size_t k = 0; k < providers->items[i].shadowed_count; k++) {
            const struct shadowed *shadowed = &providers->items[i].shadowed[k];
            next_item(out);
            text_putc(out, '{');
            put_member(out, "provider", providers->items[i].id);
            put_member(out, "fingerprint", shadowed->fingerprint.text);
            put_member(out, "by", shadowed->by->id.text);
            emit_origins(out, &shadowed->origin, 1);
            text_putc(out, '}');
        }
    text_putc(out, ']');
}

/* Notes are left out: they may speak of the caller's shell, which is no source. So is what was said of auth.json: its
 * lines move with every request that Hermes makes. */
static void emit_warnings(struct text *out, const struct diagnostics *diagnostics)
{
    put_name(out, "warnings");
    text_putc(out, '[');
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *d = diagnostics->items[i];
        if (d->place.source != NULL && d->place.source->kind == SOURCE_POOL)
            continue;
        next_item(out);
        text_putc(out, '{');
        put_member(out, "code", d->code);
        put_member(out, "severity", severity_name(d->severity));
        if (d->place.source != NULL)
            put_member(out, "path", d->place.source->label);
        if (d->place.line > 0) {
            put_name(out, "line");
            text_printf(out, "%u", d->place.line);
            put_name(out, "column");
            text_printf(out, "%u", d->place.column);
        }
        put_member(out, "message", d->message);
        if (d->help != NULL)
            put_member(out, "help", d->help);
        text_putc(out, '}');
    }
    text_putc(out, ']');
}

struct text emit_content(struct arena *arena, const struct emit_input *input, struct diagnostics *diagnostics)
{
    struct text out = {.arena = arena};
    struct emitter e = {&out, diagnostics};
    text_putc(&out, '{');
    emit_sources(&out, input);
    put_name(&out, "config");
    emit_node(&e, input->config);
    emit_environment(&e, input->environment);
    put_name(&out, "default_provider");
    if (input->providers->default_id != NULL)
        put_string(&out, input->providers->default_id);
    else
        text_puts(&out, "null");
    put_name(&out, "providers");
    text_putc(&out, '{');
    for (size_t i = 0; i < input->providers->count; i++)
        emit_provider(&out, &input->providers->items[i]);
    text_putc(&out, '}');
    emit_shadowed(&out, input->providers);
    diagnostics_sort(diagnostics);
    emit_warnings(&out, diagnostics);
    text_putc(&out, '}');
    return out;
}

struct text emit_snapshot(struct arena *arena, const struct text *content, long long generation, const char *home,
                          const char *compiled_at)
{
    struct text out = {.arena = arena};
    struct digest digest = digest_of(content->bytes, content->len);
    text_puts(&out, SNAPSHOT_OPENING "{");
    put_name(&out, "format");
    text_printf(&out, "%d", SNAPSHOT_FORMAT);
    put_name(&out, "generation");
    text_printf(&out, "%lld", generation);
    put_member(&out, "compiled_at", compiled_at);
    put_member(&out, "compiler", HERMES_VERSION);
    put_member(&out, "home", home);
    put_name(&out, "content_bytes");
    text_printf(&out, "%zu", content->len);
    put_member(&out, "digest", digest.text);
    text_puts(&out, "}" SNAPSHOT_CONTENT);
    text_append(&out, content->bytes, content->len);
    text_puts(&out, SNAPSHOT_CLOSING);
    return out;
}
