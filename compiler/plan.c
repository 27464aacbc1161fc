#include "plan.h"

#include <string.h>

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

static const char *origin_text(struct arena *arena, const struct origin *origin)
{
    const char *place = place_text(arena, origin->place);
    return *place == '\0' ? origin->key : arena_printf(arena, "%s %s", place, origin->key);
}

static void compare_provider(struct plan *plan, const struct hermes_provider *before, const struct provider *now)
{
    struct arena *arena = plan->lines.arena;
    bool changed = false;
    for (size_t i = 0; i < now->credential_count; i++) {
        const struct credential *credential = &now->credentials[i];
        const char *origin = origin_text(arena, &credential->origins[0]);
        if (has_key(before, credential->fingerprint.text))
            continue;
        const struct hermes_credential *old = predecessor(before, now, credential);
        changed = true;
        if (old != NULL)
            text_printf(&plan->lines, "%s: rotated %s -> %s (%s)\n", now->id, old->fingerprint,
                        credential->fingerprint.text, origin);
        else
            text_printf(&plan->lines, "%s: added %s (%s)\n", now->id, credential->fingerprint.text, origin);
    }
    for (size_t i = 0; before != NULL && i < before->credential_count; i++) {
        const struct hermes_credential *old = &before->credentials[i];
        bool replaced = false;
        if (keeps_key(now, old->fingerprint))
            continue;
        for (size_t k = 0; k < now->credential_count; k++)
            replaced = replaced || predecessor(before, now, &now->credentials[k]) == old;
        changed = true;
        if (!replaced)
            text_printf(&plan->lines, "%s: removed %s (%s)\n", now->id, old->fingerprint, old->label);
    }
    for (size_t i = 0; !changed && before != NULL && i < now->credential_count; i++)
        if (strcmp(before->credentials[i].fingerprint, now->credentials[i].fingerprint.text) != 0) {
            text_printf(&plan->lines, "%s: reordered, %s goes out first\n", now->id,
                        now->credentials[0].fingerprint.text);
            break;
        }
    if (before != NULL && strcmp(before->base_url, now->base_url) != 0)
        text_printf(&plan->lines, "%s: another base URL\n", now->id);
    if (before != NULL && strcmp(before->strategy, now->strategy) != 0)
        text_printf(&plan->lines, "%s: strategy %s -> %s\n", now->id, before->strategy, now->strategy);
}

static const struct provider *find_provider(const struct providers *providers, const char *id)
{
    for (size_t i = 0; i < providers->count; i++)
        if (strcmp(providers->items[i].id, id) == 0)
            return &providers->items[i];
    return NULL;
}

static void compare_default(struct plan *plan, const struct hermes_view *previous, const char *now)
{
    const char *before = previous == NULL ? NULL : hermes_default_provider(previous);
    if (before == now || (before != NULL && now != NULL && strcmp(before, now) == 0))
        return;
    text_printf(&plan->lines, "default provider: %s -> %s\n", before == NULL ? "none" : before,
                now == NULL ? "none" : now);
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
    compare_default(&plan, previous, providers->default_id);
    for (size_t i = 0; i < providers->count; i++)
        compare_provider(&plan, previous == NULL ? NULL : hermes_provider(previous, providers->items[i].id),
                         &providers->items[i]);
    for (size_t i = 0; previous != NULL && i < hermes_provider_count(previous); i++) {
        const struct hermes_provider *old = hermes_provider_at(previous, i);
        if (find_provider(providers, old->id) == NULL)
            text_printf(&plan.lines, "%s: removed\n", old->id);
    }
    if (plan.lines.len == 0)
        text_puts(&plan.lines, "configuration: changed, no key did\n");
    return plan;
}
