#include "plan.h"

#include <string.h>

#include "json_write.h"
#include "shown_value.h"

static bool has_key(const struct hermes_provider *provider, const char *fingerprint)
{
    for (size_t i = 0; provider != NULL && i < provider->credential_count; i++)
        if (strcmp(provider->credentials[i].fingerprint, fingerprint) == 0)
            return true;
    return false;
}

static bool keeps_key(const struct provider *provider, const char *fingerprint)
{
    for (size_t i = 0; provider != NULL && i < provider->credential_count; i++)
        if (strcmp(provider->credentials[i].fingerprint.text, fingerprint) == 0)
            return true;
    return false;
}

/* The key that stood at the same origin before and is gone now: then this one replaces it. */
static const struct hermes_credential *predecessor(const struct hermes_provider *before, const struct provider *now,
                                                   const struct credential *credential)
{
    for (size_t i = 0; before != NULL && i < before->credential_count; i++) {
        const struct hermes_credential *old = &before->credentials[i];
        if (keeps_key(now, old->fingerprint))
            continue;
        for (size_t k = 0; k < old->origin_count; k++)
            if (strcmp(old->origins[k].key, credential->origins[0].key) == 0)
                return old;
    }
    return NULL;
}

static const char *or_none(const char *text)
{
    return text == NULL ? "none" : text;
}

/* "xiaomi: rotated sha256:... -> sha256:... (config.yaml:4:12 model.api_key)" */
static void put_line(struct text *lines, const struct change *change)
{
    if (change->provider != NULL)
        text_printf(lines, "%s: ", change->provider);
    if (change->path != NULL)
        text_printf(lines, "%s: %s -> %s", change->path, or_none(change->from), or_none(change->to));
    else if (strcmp(change->what, "default_provider") == 0)
        text_printf(lines, "default provider: %s -> %s", or_none(change->from), or_none(change->to));
    else if (strcmp(change->what, "reordered") == 0)
        text_printf(lines, "reordered, %s goes out first", change->to);
    else if (change->from != NULL && change->to != NULL)
        text_printf(lines, "%s %s -> %s", change->what, change->from, change->to);
    else if (change->from != NULL || change->to != NULL)
        text_printf(lines, "%s %s", change->what, change->from != NULL ? change->from : change->to);
    else
        text_puts(lines, change->what);
    if (change->origin != NULL)
        text_printf(lines, " (%s)", origin_text(lines->arena, change->origin));
    text_putc(lines, '\n');
}

void plan_add(struct plan *plan, struct change change)
{
    void *changes = plan->changes;
    arena_grow(plan->lines.arena, &changes, &plan->capacity, plan->count + 1, sizeof change);
    if (change.provider != NULL)
        change.provider = shown_name(plan->lines.arena, change.provider);
    plan->changes = changes;
    plan->changes[plan->count++] = change;
    put_line(&plan->lines, &change);
}

static void compare_new_keys(struct plan *plan, const struct hermes_provider *before, const struct provider *now)
{
    for (size_t i = 0; i < now->credential_count; i++) {
        const struct credential *credential = &now->credentials[i];
        if (has_key(before, credential->fingerprint.text))
            continue;
        const struct hermes_credential *old = predecessor(before, now, credential);
        plan_add(plan, (struct change){.what = old != NULL ? "rotated" : "added",
                                       .provider = now->id,
                                       .from = old != NULL ? arena_strdup(plan->lines.arena, old->fingerprint) : NULL,
                                       .to = credential->fingerprint.text,
                                       .origin = &credential->origins[0]});
    }
}

static void compare_old_keys(struct plan *plan, const struct hermes_provider *before, const struct provider *now)
{
    for (size_t i = 0; i < before->credential_count; i++) {
        const struct hermes_credential *old = &before->credentials[i];
        bool stays = keeps_key(now, old->fingerprint);
        for (size_t k = 0; k < now->credential_count && !stays; k++)
            stays = predecessor(before, now, &now->credentials[k]) == old; /* "rotated" has named it */
        if (!stays)
            plan_add(plan, (struct change){.what = "removed",
                                           .provider = now->id,
                                           .from = arena_strdup(plan->lines.arena, old->fingerprint)});
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

static void compare_provider(struct plan *plan, const struct hermes_provider *before, const struct provider *now)
{
    size_t said = plan->count;
    compare_new_keys(plan, before, now);
    if (before == NULL)
        return;
    compare_old_keys(plan, before, now);
    if (plan->count == said)
        compare_order(plan, before, now);
    if (strcmp(before->base_url, now->base_url) != 0)
        compare_word(plan, now->id, "base_url", shown_url(plan->lines.arena, before->base_url),
                     shown_url(plan->lines.arena, now->base_url));
    compare_word(plan, now->id, "strategy", before->strategy, now->strategy);
}

static const struct provider *find_provider(const struct providers *providers, const char *id)
{
    for (size_t i = 0; i < providers->count; i++)
        if (strcmp(providers->items[i].id, id) == 0)
            return &providers->items[i];
    return NULL;
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
        compare_provider(&plan, previous == NULL ? NULL : hermes_provider(previous, providers->items[i].id),
                         &providers->items[i]);
    for (size_t i = 0; previous != NULL && i < hermes_provider_count(previous); i++) {
        const struct hermes_provider *old = hermes_provider_at(previous, i);
        if (find_provider(providers, old->id) == NULL)
            plan_add(&plan, (struct change){.what = "removed", .provider = arena_strdup(arena, old->id)});
    }
    return plan;
}

static void put_known(struct text *out, const char *name, const char *value)
{
    if (value != NULL)
        json_put_member(out, name, value);
}

void plan_json(struct text *out, const struct plan *plan)
{
    json_put_name(out, "changes");
    text_putc(out, '[');
    for (size_t i = 0; i < plan->count; i++) {
        const struct change *change = &plan->changes[i];
        json_put_item(out);
        text_putc(out, '{');
        json_put_member(out, "what", change->what);
        put_known(out, "provider", change->provider);
        put_known(out, "config", change->path);
        put_known(out, "from", change->from);
        put_known(out, "to", change->to);
        if (change->origin != NULL) {
            json_put_name(out, "origin");
            text_putc(out, '{');
            origin_json(out, change->origin);
            text_putc(out, '}');
        }
        text_putc(out, '}');
    }
    text_putc(out, ']');
}
