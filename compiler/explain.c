#include "explain.h"

#include <stdlib.h>
#include <string.h>

#include "key_check.h"
#include "known_variables.h"
#include "secret_names.h"
#include "vocabulary.h"

static void print_origin(const struct compilation *c, const struct origin *origin, FILE *stream)
{
    const char *place = place_text(c->arena, origin->place);
    (void)fprintf(stream, "%s%s%s", *place == '\0' ? "auth.json" : place, " ", origin->key);
}

static void print_secret(const char *secret, const struct fingerprint *fingerprint, bool reveal, FILE *stream)
{
    (void)fputs(reveal ? secret : fingerprint->text, stream);
}

static void print_provider(const struct compilation *c, const struct provider *provider, bool reveal, FILE *stream)
{
    bool is_default = c->providers.default_id != NULL && strcmp(c->providers.default_id, provider->id) == 0;
    (void)fprintf(stream, "%s%s\n  base URL  %s\n  strategy  %s\n", provider->id,
                  is_default ? " (the default provider)" : "", *provider->base_url == '\0' ? "none" : provider->base_url,
                  provider->strategy);
    if (provider->credential_count == 0)
        (void)fprintf(stream, "  no key: no source has a usable one\n");
    for (size_t i = 0; i < provider->credential_count; i++) {
        const struct credential *credential = &provider->credentials[i];
        (void)fprintf(stream, "  key %zu     ", i + 1);
        print_secret(credential->secret, &credential->fingerprint, reveal, stream);
        for (size_t k = 0; k < credential->origin_count; k++) {
            (void)fputs(k == 0 ? "  from " : "\n            also in ", stream);
            print_origin(c, &credential->origins[k], stream);
        }
        (void)fputc('\n', stream);
    }
    for (size_t i = 0; i < provider->shadowed_count; i++) {
        (void)fprintf(stream, "  shadowed  %s  ", provider->shadowed[i].fingerprint.text);
        print_origin(c, &provider->shadowed[i].origin, stream);
        (void)fprintf(stream, "\n            by %s\n", provider->shadowed[i].by->origins[0].key);
    }
}

static const struct provider *find_provider(const struct compilation *c, const char *name)
{
    const struct provider_row *row = provider_find(name);
    char normal[256];
    (void)provider_normalise(name, normal, sizeof normal);
    const char *bare = strncmp(normal, "custom:", 7) == 0 ? normal + 7 : normal;
    for (size_t i = 0; i < c->providers.count; i++) {
        const struct provider *provider = &c->providers.items[i];
        if (strcmp(provider->id, normal) == 0 || (row != NULL && strcmp(provider->id, row->id) == 0) ||
            (strncmp(provider->id, "custom:", 7) == 0 && strcmp(provider->id + 7, bare) == 0))
            return provider;
    }
    return NULL;
}

/* Who hands out the key that stands at ORIGIN_KEY. */
static void print_users(const struct compilation *c, const char *origin_key, FILE *stream)
{
    for (size_t i = 0; i < c->providers.count; i++) {
        const struct provider *provider = &c->providers.items[i];
        for (size_t k = 0; k < provider->credential_count; k++)
            for (size_t o = 0; o < provider->credentials[k].origin_count; o++)
                if (strcmp(provider->credentials[k].origins[o].key, origin_key) == 0)
                    (void)fprintf(stream, "  used as   key %zu of %zu for %s\n", k + 1, provider->credential_count,
                                  provider->id);
        for (size_t k = 0; k < provider->shadowed_count; k++)
            if (strcmp(provider->shadowed[k].origin.key, origin_key) == 0)
                (void)fprintf(stream, "  behind    %s, which goes out first for %s\n",
                              provider->shadowed[k].by->origins[0].key, provider->id);
    }
}

/* A text is shown only when it is made of names that cannot be keys, or is a URL without user, query or fragment. */
static bool may_show(const char *name, const char *text, size_t len)
{
    if (name_is_secret(name))
        return false;
    if (name_is_url(name))
        return strpbrk(text, "@?#") == NULL;
    return vocabulary_has(text, len);
}

static void print_value(const char *name, const struct node *node, bool reveal, FILE *stream)
{
    switch (node->kind) {
    case NODE_MAP:
    case NODE_SET:
        (void)fprintf(stream, "%s of %zu entries", node_kind_name(node->kind), node->pair_count);
        break;
    case NODE_SEQUENCE:
        (void)fprintf(stream, "%s of %zu items", node_kind_name(node->kind), node->count);
        break;
    case NODE_NULL:
        (void)fputs("null", stream);
        break;
    case NODE_BOOL:
        (void)fputs(node->boolean ? "true" : "false", stream);
        break;
    default:
        if (reveal || (!name_is_secret(name) && node->kind != NODE_STRING) || may_show(name, node->text, node->len))
            (void)fwrite(node->text, 1, node->len, stream);
        else
            (void)fputs(fingerprint_of(node->text, node->len).text, stream);
        break;
    }
    (void)fputc('\n', stream);
}

static const struct node *step(const struct node *node, const char *name)
{
    char *end;
    if (*name == '[') {
        unsigned long index = strtoul(name + 1, &end, 10);
        return *end == ']' && node_is(node, NODE_SEQUENCE) && index < node->count ? node->items[index] : NULL;
    }
    return node_get(node, name);
}

/* `a.b[0].c`; a name may hold dots itself, so the longest one that fits is taken first. */
static const struct node *follow(struct arena *arena, const struct node *node, const char *path, const char **ret_name)
{
    if (*path == '\0' || node == NULL)
        return node;
    for (size_t len = strlen(path); len > 0; len--) {
        bool cut = path[len] == '\0' || path[len] == '.' || (path[len] == '[' && len > 0);
        if (!cut)
            continue;
        const char *name = arena_strndup(arena, path, len);
        const struct node *next = step(node, name);
        if (next == NULL)
            continue;
        *ret_name = *name == '[' ? *ret_name : name;
        return follow(arena, next, path + len + (path[len] == '.'), ret_name);
    }
    return NULL;
}

static bool explain_variable(const struct compilation *c, const char *name, bool reveal, FILE *stream)
{
    const struct binding *binding = environment_get(&c->environment, name);
    if (binding == NULL)
        return false;
    size_t len = strlen(name);
    bool secret = variable_secret(name, len) || name_is_secret(name) || !vocabulary_has(binding->value, binding->len);
    (void)fprintf(stream, "%s\n  stands at %s\n  value     ", name, place_text(c->arena, binding->place));
    if (reveal || !secret)
        (void)fwrite(binding->value, 1, binding->len, stream);
    else
        (void)fputs(fingerprint_of(binding->value, binding->len).text, stream);
    (void)fputc('\n', stream);
    print_users(c, name, stream);
    return true;
}

static bool explain_path(const struct compilation *c, const char *path, bool reveal, FILE *stream)
{
    const char *name = path;
    const struct node *node = follow(c->arena, c->config, path, &name);
    if (node == NULL)
        return false;
    const char *place = place_text(c->arena, node->place);
    (void)fprintf(stream, "%s\n  stands at %s\n  value     ", path, *place == '\0' ? "no file: it is derived" : place);
    print_value(name, node, reveal, stream);
    print_users(c, path, stream);
    return true;
}

bool explain(const struct compilation *c, const char *subject, bool reveal, FILE *stream)
{
    const struct provider *provider = find_provider(c, subject);
    if (provider != NULL) {
        print_provider(c, provider, reveal, stream);
        return true;
    }
    return explain_variable(c, subject, reveal, stream) || explain_path(c, subject, reveal, stream);
}
