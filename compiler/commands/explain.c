#include "explain.h"

#include <stdlib.h>
#include <string.h>

#include "explain_unset.h"
#include "json_write.h"
#include "near_name.h"
#include "reference.h"
#include "setting_name.h"
#include "provider_table.h"
#include "plain_name.h"
#include "shown.h"
#include "source.h"
#include "variable_check.h"

static void print_origin(const struct compilation *c, const struct origin *origin, FILE *stream)
{
    const char *place = diagnostic_place_text(c->arena, origin->place);
    (void)fprintf(stream, "%s%s%s", *place == '\0' ? "auth.json" : place, " ", origin->key);
}

static void print_secret(const char *secret, const struct fingerprint *fingerprint, bool reveal, FILE *stream)
{
    (void)fputs(*secret == '\0' ? "none is needed" : reveal ? secret : fingerprint->text, stream);
}

static const char *how_hermes_reads(const struct provider *provider)
{
    bool for_tasks = provider->credential_count > 0 && provider->credentials[0].rank == RANK_TASK;
    return for_tasks             ? "Hermes, for the tasks that name these keys"
           : provider->projected ? "Hermes, through auth.json"
                                 : "Hermes reads the sources by itself";
}

static const char *shown_url(struct arena *arena, const char *url)
{
    return *url == '\0' ? "none" : shown_value(arena, "url", url, strlen(url));
}

static void print_provider(const struct compilation *c, const struct provider *provider, bool reveal, FILE *stream)
{
    bool is_default = c->providers.default_id != NULL && strcmp(c->providers.default_id, provider->id) == 0;
    (void)fprintf(stream, "%s%s\n  base URL  %s\n  strategy  %s\n", shown_name(c->arena, provider->id),
                  is_default ? " (the default provider)" : "", shown_url(c->arena, provider->base_url),
                  strategy_name(provider->strategy));
    (void)fprintf(stream, "  read by   the runtime library; %s\n", how_hermes_reads(provider));
    if (provider->credential_count == 0)
        (void)fprintf(stream, "  no key: no source has a usable one\n");
    for (size_t i = 0; i < provider->credential_count; i++) {
        const struct credential *credential = &provider->credentials[i];
        (void)fprintf(stream, "  key %zu     ", i + 1);
        print_secret(credential->secret, &credential->fingerprint, reveal, stream);
        if (credential->base_url != NULL)
            (void)fprintf(stream, "  to %s", shown_url(c->arena, credential->base_url));
        for (size_t k = 0; k < credential->origin_count; k++) {
            (void)fputs(k == 0 ? "  from " : "\n            also in ", stream);
            print_origin(c, &credential->origins[k], stream);
        }
        (void)fputc('\n', stream);
    }
    for (size_t i = 0; i < provider->shadowed_count; i++) {
        (void)fputs("  shadowed  ", stream);
        print_secret(provider->shadowed[i].secret, &provider->shadowed[i].fingerprint, reveal, stream);
        (void)fputs("  ", stream);
        print_origin(c, &provider->shadowed[i].origin, stream);
        (void)fprintf(stream, "\n            by %s\n", provider->shadowed[i].by->origins[0].key);
    }
}

static bool stands_at(const struct credential *credential, const char *origin_key)
{
    for (size_t i = 0; i < credential->origin_count; i++)
        if (strcmp(credential->origins[i].key, origin_key) == 0)
            return true;
    return false;
}

static const char *readers_of(const struct provider *provider, const struct credential *credential)
{
    if (credential->rank == RANK_TASK)
        return "the runtime library, after all other keys; Hermes, for this task only";
    return provider->projected ? "the runtime library; Hermes, through auth.json"
                               : "the runtime library; Hermes reads the sources by itself";
}

static void print_shadowing(const struct compilation *c, const struct provider *provider, const char *origin_key,
                            bool reveal, FILE *stream)
{
    for (size_t i = 0; i < provider->shadowed_count; i++) {
        const struct shadowed *shadowed = &provider->shadowed[i];
        if (shadowed->outvoted)
            continue; /* named where the winner is */
        if (strcmp(shadowed->origin.key, origin_key) == 0)
            (void)fprintf(stream, "  after     %s, which is used first for %s\n", shadowed->by->origins[0].key,
                          shown_name(c->arena, provider->id));
        if (!stands_at(shadowed->by, origin_key))
            continue;
        (void)fputs("  shadows   ", stream);
        print_origin(c, &shadowed->origin, stream);
        (void)fputs("  ", stream);
        print_secret(shadowed->secret, &shadowed->fingerprint, reveal, stream);
        (void)fputs(": a key of config.yaml is used first\n", stream);
    }
}

/* Who hands out the key that stands at ORIGIN_KEY; OTHERWISE: who reads it where it is no key. */
static void print_users(const struct compilation *c, const char *origin_key, const char *otherwise, bool reveal,
                        FILE *stream)
{
    bool used = false;
    for (size_t i = 0; i < c->providers.count; i++) {
        const struct provider *provider = c->providers.items[i];
        for (size_t k = 0; k < provider->credential_count; k++) {
            if (!stands_at(&provider->credentials[k], origin_key))
                continue;
            (void)fprintf(stream, "  used as   key %zu of %u for %s\n  read by   %s\n", k + 1,
                          provider->credential_count, shown_name(c->arena, provider->id),
                          readers_of(provider, &provider->credentials[k]));
            used = true;
        }
        print_shadowing(c, provider, origin_key, reveal, stream);
    }
    if (!used)
        (void)fprintf(stream, "  read by   %s\n", otherwise);
}

static const char *why_hidden(const struct place *winner, const struct place *loser)
{
    if (winner->source == loser->source)
        return "the last line of a file counts";
    if (winner->source->kind == SOURCE_MANAGED_ENV || winner->source->kind == SOURCE_MANAGED_CONFIG)
        return "a managed file wins";
    if (winner->source->kind == SOURCE_FLEET_ENV)
        return "the fleet wins over the home's own files";
    if (loser->source->kind == SOURCE_OP_ENV)
        return "it only fills in what .env does not set";
    if (loser->source->kind == SOURCE_EXTRA_ENV)
        return "the home's .env and earlier files win";
    return "env files win over the root of config.yaml";
}

static void print_hidden_variables(const struct compilation *c, const struct binding *binding, FILE *stream)
{
    for (const struct binding *hidden = binding->hidden; hidden != NULL; hidden = hidden->hidden)
        (void)fprintf(stream, "  shadows   %s  %s: %s\n", diagnostic_place_text(c->arena, hidden->place),
                      shown_value(c->arena, hidden->name, hidden->value, hidden->len),
                      why_hidden(&binding->place, &hidden->place));
}

/* A number or a date holds no key unless its name says so. */
static const char *shown_scalar(struct arena *arena, const char *path, const char *name, const struct node *node)
{
    if (node->kind != NODE_STRING && !setting_name_is_secret(name))
        return arena_strndup(arena, node->text, node->len);
    return node->kind == NODE_STRING ? shown_leaf(arena, path, name, node->text, node->len)
                                     : shown_value(arena, name, node->text, node->len);
}

static void print_value(struct arena *arena, const char *path, const char *name, const struct node *node, bool reveal,
                        FILE *stream)
{
    switch (node->kind) {
    case NODE_MAP:
    case NODE_SET:
        (void)fprintf(stream, "%s of %zu %s", node_kind_name(node->kind), node->pair_count,
                      node->pair_count == 1 ? "entry" : "entries");
        break;
    case NODE_SEQUENCE:
        (void)fprintf(stream, "%s of %zu item%s", node_kind_name(node->kind), node->count, node->count == 1 ? "" : "s");
        break;
    case NODE_NULL:
        (void)fputs("null", stream);
        break;
    case NODE_BOOL:
        (void)fputs(node->boolean ? "true" : "false", stream);
        break;
    default:
        (void)fputs(reveal ? node->text : shown_scalar(arena, path, name, node), stream);
        break;
    }
    (void)fputc('\n', stream);
}

static const struct node *step(const struct node *node, const char *name)
{
    char *end;
    if (*name == '[') {
        unsigned long index = strtoul(name + 1, &end, 10);
        return strcmp(end, "]") == 0 && node_is(node, NODE_SEQUENCE) && index < node->count ? node->items[index] : NULL;
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
    (void)fprintf(stream, "%s\n  set at    %s\n  value     ", shown_name(c->arena, name),
                  diagnostic_place_text(c->arena, binding->place));
    (void)fputs(reveal ? binding->value : shown_value(c->arena, name, binding->value, binding->len), stream);
    (void)fputc('\n', stream);
    reference_print_texts(c, name, stream);
    print_hidden_variables(c, binding, stream);
    print_users(c, name, "Hermes, in its environment; the runtime library", reveal, stream);
    return true;
}

/* What the user's file says of PATH, where a managed one says something else. */
static const struct node *hidden_value(const struct compilation *c, const struct node *winner, const char *path)
{
    const char *name;
    const struct source *source = winner->place.source;
    if (source == NULL || source->kind != SOURCE_MANAGED_CONFIG)
        return NULL;
    return follow(c->arena, c->sources.user_config, path, &name);
}

/* The runtime library writes `a.0.b`, diagnostics `a[0].b`: either is understood, and answered as they write it. */
static const char *written_path(const struct compilation *c, const char *path)
{
    struct text out = {.arena = c->arena};
    const char *name = path;
    if (follow(c->arena, c->config, path, &name) != NULL)
        return path;
    for (const char *at = path; *at != '\0';) {
        size_t digits = at > path && *at == '.' ? strspn(at + 1, "0123456789") : 0;
        bool index = digits > 0 && (at[1 + digits] == '\0' || at[1 + digits] == '.');
        if (index)
            text_printf(&out, "[%.*s]", (int)digits, at + 1);
        else
            text_putc(&out, *at);
        at += index ? 1 + digits : 1;
    }
    return out.len == 0 ? path : out.bytes;
}

static bool explain_path(const struct compilation *c, const char *path, bool reveal, FILE *stream)
{
    path = written_path(c, path);
    const char *name = path;
    const struct node *node = follow(c->arena, c->config, path, &name);
    if (node == NULL)
        return false;
    const char *place = diagnostic_place_text(c->arena, node->place);
    (void)fprintf(stream, "%s\n  set at    %s\n  value     ", shown_name(c->arena, path),
                  *place == '\0' ? "no file: it is derived" : place);
    print_value(c->arena, path, name, node, reveal, stream);
    reference_print_variables(c, node->place, stream);
    const struct node *users = hidden_value(c, node, path);
    if (users != NULL) {
        (void)fprintf(stream, "  shadows   %s  ", diagnostic_place_text(c->arena, users->place));
        print_value(c->arena, path, name, users, reveal, stream);
        (void)fprintf(stream, "            %s\n", why_hidden(&node->place, &users->place));
    }
    print_users(c, path, "Hermes's gateway; the runtime library", reveal, stream);
    return true;
}

bool explain(const struct compilation *c, const char *subject, bool reveal, FILE *stream)
{
    const struct provider *provider = provider_named(&c->providers, subject);
    if (provider != NULL) {
        print_provider(c, provider, reveal, stream);
        return true;
    }
    return explain_variable(c, subject, reveal, stream) || explain_path(c, subject, reveal, stream) ||
           explain_unset(c, subject, stream);
}

/* A path whose last name alone is misspelt. */
static const char *path_near(const struct compilation *c, const char *path)
{
    const char *dot = strrchr(path, '.');
    const char *last = dot == NULL ? path : dot + 1;
    const char *parent = arena_strndup(c->arena, path, dot == NULL ? 0 : (size_t)(dot - path));
    const char *name = path;
    const struct node *map = follow(c->arena, c->config, parent, &name);
    struct near_name near = {.written = last};
    for (size_t i = 0; node_is(map, NODE_MAP) && i < map->pair_count; i++) {
        const char *key = node_string(map->pairs[i].key);
        if (key != NULL && plain_name(key, strlen(key)))
            near_name_consider(&near, key);
    }
    return near.best == NULL ? NULL : arena_printf(c->arena, "%s%s%s", parent, dot == NULL ? "" : ".", near.best);
}

const char *explain_near(const struct compilation *c, const char *subject)
{
    struct near_name near = {.written = subject};
    providers_consider(&c->providers, &near);
    const char *variable = near.best != NULL ? near.best : variable_check_near(&c->environment, subject);
    return variable != NULL ? variable : path_near(c, subject);
}

/* --- the same as JSON --- */

static void put_credential(struct text *out, const struct provider *provider, const struct credential *credential)
{
    json_write_item(out);
    text_putc(out, '{');
    json_write_member(out, "id", credential->id.text);
    json_write_member(out, "fingerprint", credential->fingerprint.text);
    json_write_member(out, "label", shown_name(out->arena, credential->label));
    if (credential->base_url != NULL)
        json_write_member(out, "base_url", shown_url(out->arena, credential->base_url));
    json_write_name(out, "origins");
    text_putc(out, '[');
    for (size_t i = 0; i < credential->origin_count; i++) {
        json_write_item(out);
        text_putc(out, '{');
        origin_json(out, &credential->origins[i]);
        text_putc(out, '}');
    }
    text_putc(out, ']');
    json_write_truth(out, "in_pool",
                     credential->rank == RANK_POOL || (provider->projected && credential->rank < RANK_POOL));
    text_putc(out, '}');
}

static void put_provider(struct text *out, const struct compilation *c, const struct provider *provider)
{
    const char *first = c->providers.default_id;
    json_write_member(out, "provider", shown_name(out->arena, provider->id));
    json_write_truth(out, "default", first != NULL && strcmp(first, provider->id) == 0);
    json_write_member(out, "base_url", shown_url(c->arena, provider->base_url));
    json_write_member(out, "strategy", strategy_name(provider->strategy));
    json_write_truth(out, "in_pool", provider->projected);
    json_write_name(out, "credentials");
    text_putc(out, '[');
    for (size_t i = 0; i < provider->credential_count; i++)
        put_credential(out, provider, &provider->credentials[i]);
    text_putc(out, ']');
    json_write_name(out, "shadowed");
    text_putc(out, '[');
    for (size_t i = 0; i < provider->shadowed_count; i++) {
        json_write_item(out);
        text_putc(out, '{');
        json_write_member(out, "fingerprint", provider->shadowed[i].fingerprint.text);
        origin_json(out, &provider->shadowed[i].origin);
        json_write_member(out, "by", provider->shadowed[i].by->origins[0].key);
        text_putc(out, '}');
    }
    text_putc(out, ']');
}

static void put_use(struct text *out, const struct provider *provider, size_t rank, const char *by)
{
    json_write_item(out);
    text_putc(out, '{');
    json_write_member(out, "provider", shown_name(out->arena, provider->id));
    if (by == NULL)
        json_write_number(out, "rank", rank + 1);
    else
        json_write_member(out, "behind", by);
    text_putc(out, '}');
}

static void put_hidden(struct text *out, const struct place *winner, const struct place *loser, const char *value)
{
    json_write_item(out);
    text_putc(out, '{');
    json_write_place(out, *loser, NULL);
    if (value != NULL)
        json_write_member(out, "value", value);
    json_write_member(out, "why", why_hidden(winner, loser));
    text_putc(out, '}');
}

static void put_hidden_keys(struct text *out, const struct compilation *c, const char *origin_key)
{
    for (size_t i = 0; i < c->providers.count; i++)
        for (size_t k = 0; k < c->providers.items[i]->shadowed_count; k++) {
            const struct shadowed *shadowed = &c->providers.items[i]->shadowed[k];
            if (shadowed->outvoted || !stands_at(shadowed->by, origin_key))
                continue;
            json_write_item(out);
            text_putc(out, '{');
            origin_json(out, &shadowed->origin);
            json_write_member(out, "value", shadowed->fingerprint.text);
            json_write_member(out, "why", "a key of config.yaml is used first");
            text_putc(out, '}');
        }
}

static void put_uses(struct text *out, const struct compilation *c, const char *origin_key)
{
    json_write_name(out, "used_by");
    text_putc(out, '[');
    for (size_t i = 0; i < c->providers.count; i++) {
        const struct provider *provider = c->providers.items[i];
        for (size_t k = 0; k < provider->credential_count; k++)
            if (stands_at(&provider->credentials[k], origin_key))
                put_use(out, provider, k, NULL);
        for (size_t k = 0; k < provider->shadowed_count; k++)
            if (!provider->shadowed[k].outvoted && strcmp(provider->shadowed[k].origin.key, origin_key) == 0)
                put_use(out, provider, 0, provider->shadowed[k].by->origins[0].key);
    }
    text_putc(out, ']');
}

static void put_variable(struct text *out, const struct compilation *c, const char *name, const struct binding *binding)
{
    json_write_member(out, "variable", shown_name(c->arena, name));
    json_write_place(out, binding->place, NULL);
    json_write_member(out, "value", shown_value(c->arena, name, binding->value, binding->len));
    reference_put_texts(out, c, name);
    json_write_name(out, "shadows");
    text_putc(out, '[');
    for (const struct binding *hidden = binding->hidden; hidden != NULL; hidden = hidden->hidden)
        put_hidden(out, &binding->place, &hidden->place,
                   shown_value(c->arena, hidden->name, hidden->value, hidden->len));
    put_hidden_keys(out, c, name);
    text_putc(out, ']');
    put_uses(out, c, name);
}

static bool put_config(struct text *out, const struct compilation *c, const char *subject)
{
    const char *name = subject;
    const struct node *node = follow(c->arena, c->config, subject, &name);
    if (node == NULL)
        return false;
    json_write_member(out, "config", shown_name(c->arena, subject));
    json_write_place(out, node->place, NULL);
    json_write_member(out, "kind", node_kind_name(node->kind));
    if (node->kind == NODE_BOOL)
        json_write_truth(out, "value", node->boolean);
    else if (node->kind != NODE_NULL && node->kind != NODE_MAP && node->kind != NODE_SET && node->kind != NODE_SEQUENCE)
        json_write_member(out, "value", shown_scalar(c->arena, subject, name, node));
    reference_put_variables(out, c, node->place);
    const struct node *users = hidden_value(c, node, subject);
    json_write_name(out, "shadows");
    text_putc(out, '[');
    if (users != NULL)
        put_hidden(out, &node->place, &users->place,
                   node_is(users, NODE_STRING) ? shown_scalar(c->arena, subject, name, users) : NULL);
    put_hidden_keys(out, c, subject);
    text_putc(out, ']');
    put_uses(out, c, subject);
    return true;
}

bool explain_json(struct text *out, const struct compilation *c, const char *subject)
{
    const struct provider *provider = provider_named(&c->providers, subject);
    const struct binding *binding = provider != NULL ? NULL : environment_get(&c->environment, subject);
    if (provider != NULL)
        put_provider(out, c, provider);
    else if (binding != NULL)
        put_variable(out, c, subject, binding);
    else
        return put_config(out, c, written_path(c, subject)) || explain_unset_json(out, c, subject);
    return true;
}
