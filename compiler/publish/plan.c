#include "plan.h"

#include <string.h>

#include "fingerprint.h"
#include "json_write.h"
#include "name_table.h"
#include "shown.h"

/* The keys of a provider before and now, and which old one stood where. */
struct rotation {
    const struct hermes_provider *before; /* NULL: it is new */
    const struct provider *now;
    struct name_table old_keys; /* by fingerprint */
    struct name_table new_keys;
    struct name_table gone_at; /* by origin: the first of the old keys that stood there and is gone now */
    bool *replaced;            /* for each old key: another one stands in its place */
};

static struct rotation rotation_of(struct arena *arena, const struct hermes_provider *before,
                                   const struct provider *now)
{
    struct rotation r = {.before = before, .now = now};
    if (before == NULL)
        return r;
    for (size_t i = 0; i < now->credential_count; i++)
        name_table_put(arena, &r.new_keys, now->credentials[i].fingerprint.text, i);
    r.replaced = arena_alloc(arena, before->credential_count * sizeof *r.replaced);
    for (size_t i = 0; i < before->credential_count; i++) {
        const struct hermes_credential *old = &before->credentials[i];
        name_table_put(arena, &r.old_keys, old->fingerprint, i);
        if (name_table_get(&r.new_keys, old->fingerprint) != NULL)
            continue;
        for (size_t k = 0; k < old->origin_count; k++)
            if (name_table_get(&r.gone_at, old->origins[k].key) == NULL)
                name_table_put(arena, &r.gone_at, old->origins[k].key, i);
    }
    return r;
}

static const char *or_none(const char *text)
{
    return text == NULL ? "none" : text;
}

/* A fingerprint as it is shown. */
static const char *key_shown(const char *fingerprint)
{
    bool none = strcmp(fingerprint, fingerprint_of("", 0).text) == 0;
    return none ? "a server without a key" : fingerprint;
}

static bool is_variable(const struct change *change)
{
    return strcmp(change->what, "variable") == 0;
}

/* "xiaomi: rotated sha256:... -> sha256:... (config.yaml:4:12 model.api_key)" */
static void put_line(struct text *lines, const struct change *change)
{
    if (change->provider != NULL)
        text_printf(lines, "%s: ", change->provider);
    if (change->path != NULL)
        text_printf(lines, "%s%s: %s -> %s", is_variable(change) ? "variable " : "", change->path,
                    or_none(change->from), or_none(change->to));
    else if (strcmp(change->what, "default_provider") == 0)
        text_printf(lines, "default provider: %s -> %s", or_none(change->from), or_none(change->to));
    else if (strcmp(change->what, "reordered") == 0)
        text_printf(lines, "reordered, %s is used first", key_shown(change->to));
    else if (change->from != NULL && change->to != NULL)
        text_printf(lines, "%s %s -> %s", change->what, key_shown(change->from), key_shown(change->to));
    else if (change->from != NULL || change->to != NULL)
        text_printf(lines, "%s %s", change->what, key_shown(change->from != NULL ? change->from : change->to));
    else
        text_puts(lines, change->what);
    if (change->origin != NULL)
        text_printf(lines, " (%s)", origin_text(lines->arena, change->origin));
    text_putc(lines, '\n');
}

void plan_add(struct plan *plan, struct change change)
{
    ARENA_GROW(plan->lines.arena, plan->changes, plan->capacity, plan->count + 1);
    if (change.provider != NULL)
        change.provider = shown_name(plan->lines.arena, change.provider);
    plan->changes[plan->count++] = change;
    put_line(&plan->lines, &change);
}

/* A key that stands where another one stood that is gone now has replaced it. */
static void compare_new_keys(struct plan *plan, struct rotation *r)
{
    for (size_t i = 0; i < r->now->credential_count; i++) {
        struct credential *credential = &r->now->credentials[i];
        const uint32_t *gone = name_table_get(&r->gone_at, credential->origins[0].key);
        if (gone != NULL)
            r->replaced[*gone] = true;
        if (name_table_get(&r->old_keys, credential->fingerprint.text) != NULL)
            continue;
        credential->fresh = !plan->first;
        const char *old = gone == NULL ? NULL : r->before->credentials[*gone].fingerprint;
        plan_add(plan, (struct change){.what = old != NULL ? "rotated" : "added",
                                       .provider = r->now->id,
                                       .from = old != NULL ? arena_strdup(plan->lines.arena, old) : NULL,
                                       .to = credential->fingerprint.text,
                                       .origin = &credential->origins[0]});
    }
}

static void compare_old_keys(struct plan *plan, const struct rotation *r)
{
    for (size_t i = 0; i < r->before->credential_count; i++) {
        const char *fingerprint = r->before->credentials[i].fingerprint;
        if (!r->replaced[i] && name_table_get(&r->new_keys, fingerprint) == NULL)
            plan_add(plan, (struct change){.what = "removed",
                                           .provider = r->now->id,
                                           .from = arena_strdup(plan->lines.arena, fingerprint)});
    }
}

static void compare_order(struct plan *plan, const struct hermes_provider *before, const struct provider *now)
{
    for (size_t i = 0; i < now->credential_count && i < before->credential_count; i++)
        if (strcmp(before->credentials[i].fingerprint, now->credentials[i].fingerprint.text) != 0) {
            plan_add(plan, (struct change){
                               .what = "reordered", .provider = now->id, .to = now->credentials[0].fingerprint.text});
            return;
        }
}

static void compare_word(struct plan *plan, const char *provider, const char *what, const char *before, const char *now)
{
    if (before == now || (before != NULL && now != NULL && strcmp(before, now) == 0))
        return;
    struct arena *arena = plan->lines.arena;
    const char *from = before == NULL ? NULL : shown_name(arena, arena_strdup(arena, before));
    const char *to = now == NULL ? NULL : shown_name(arena, now);
    plan_add(plan, (struct change){.what = what, .provider = provider, .from = from, .to = to});
}

static const char *shown_url(struct arena *arena, const char *url)
{
    return shown_value(arena, "url", url, strlen(url));
}

static bool same_keys(const struct hermes_provider *before, const struct provider *now)
{
    if (before->credential_count != now->credential_count)
        return false;
    for (size_t i = 0; i < now->credential_count; i++)
        if (strcmp(before->credentials[i].fingerprint, now->credentials[i].fingerprint.text) != 0)
            return false;
    return true;
}

static void compare_keys(struct plan *plan, const struct hermes_provider *before, const struct provider *now)
{
    size_t said = plan->count;
    struct rotation rotation = rotation_of(plan->lines.arena, before, now);
    compare_new_keys(plan, &rotation);
    if (before == NULL)
        return;
    compare_old_keys(plan, &rotation);
    if (plan->count == said)
        compare_order(plan, before, now);
}

static void compare_provider(struct plan *plan, const struct hermes_provider *before, const struct provider *now)
{
    if (before == NULL || !same_keys(before, now))
        compare_keys(plan, before, now);
    if (before == NULL)
        return;
    if (strcmp(before->base_url, now->base_url) != 0)
        compare_word(plan, now->id, "base_url", shown_url(plan->lines.arena, before->base_url),
                     shown_url(plan->lines.arena, now->base_url));
    compare_word(plan, now->id, "strategy", before->strategy, strategy_name(now->strategy));
}

struct plan plan_changes(struct arena *arena, const struct hermes_view *previous, const struct providers *providers,
                         const char *content, size_t content_len)
{
    struct plan plan = {.first = previous == NULL, .changed = true, .lines = {.arena = arena}};
    if (previous != NULL) {
        size_t len;
        const char *old = hermes_content(previous, &len);
        plan.changed = len != content_len || memcmp(old, content, len) != 0;
    }
    if (!plan.changed)
        return plan;
    compare_word(&plan, NULL, "default_provider", previous == NULL ? NULL : hermes_default_provider(previous),
                 providers->default_id);
    for (size_t i = 0; i < providers->count; i++)
        compare_provider(&plan, previous == NULL ? NULL : hermes_provider(previous, providers->items[i]->id),
                         providers->items[i]);
    for (size_t i = 0; previous != NULL && i < hermes_provider_count(previous); i++) {
        const struct hermes_provider *old = hermes_provider_at(previous, i);
        if (providers_get(providers, old->id) == NULL)
            plan_add(&plan, (struct change){.what = "removed", .provider = arena_strdup(arena, old->id)});
    }
    return plan;
}

static void put_known(struct text *out, const char *name, const char *value)
{
    if (value != NULL)
        json_write_member(out, name, value);
}

void plan_json(struct text *out, const struct plan *plan)
{
    json_write_name(out, "changes");
    text_putc(out, '[');
    for (size_t i = 0; i < plan->count; i++) {
        const struct change *change = &plan->changes[i];
        json_write_item(out);
        text_putc(out, '{');
        json_write_member(out, "what", change->what);
        put_known(out, "provider", change->provider);
        put_known(out, is_variable(change) ? "variable" : "config", change->path);
        put_known(out, "from", change->from);
        put_known(out, "to", change->to);
        if (change->origin != NULL) {
            json_write_name(out, "origin");
            text_putc(out, '{');
            origin_json(out, change->origin);
            text_putc(out, '}');
        }
        text_putc(out, '}');
    }
    text_putc(out, ']');
}
