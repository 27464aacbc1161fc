#include "pool_next.h"

#include <string.h>

static double requests_of(struct arena *arena, const struct pool_document *document, const struct entry *entry)
{
    static const char *const names[] = {"request_count"};
    struct json member;
    double count = 0;
    json_span_pick(arena, document->text, entry->json, names, 1, &member);
    (void)json_span_number(document->text, &member, &count);
    return count;
}

const char *pool_next(struct arena *arena, const struct pool_document *document, const struct provider *provider,
                      double now)
{
    const struct json *array = json_span_member(document->pool, provider->id);
    size_t count = array == NULL || array->kind != JSON_ARRAY ? 0 : array->count;
    struct entry *entries = arena_alloc(arena, count * sizeof *entries);
    bool fewest = provider->strategy == STRATEGY_LEAST_USED;
    const struct entry *next = NULL;
    if (provider->strategy == STRATEGY_RANDOM)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (array->children[i].kind != JSON_OBJECT)
            return NULL; /* Hermes cannot read such a pool */
        entries[i] = pool_entry_read(arena, document->text, &array->children[i], provider, now);
    }
    pool_entry_note_only(entries, count, now);
    const size_t *order = pool_document_sorted(arena, provider->id, entries, count);
    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = &entries[order[i]];
        if (entry->state.active || *entry->effective == '\0')
            continue;
        if (next == NULL || (fewest && requests_of(arena, document, entry) < requests_of(arena, document, next)))
            next = entry;
    }
    return next == NULL ? NULL : arena_strdup(arena, next->effective);
}

static void add_models(struct arena *arena, const struct pool_document *document, const struct entry *entry, double now,
                       struct pool_next_model **models, size_t *count)
{
    static const char *const names[] = {"model_cooldowns"};
    struct json picked;
    json_span_pick(arena, document->text, entry->json, names, 1, &picked);
    if (picked.end == 0 || picked.kind != JSON_OBJECT)
        return;
    const struct json *all = json_span_member(json_span_opened(arena, document->text, entry->json), names[0]);
    all = json_span_opened(arena, document->text, all);
    for (size_t i = 0; i < all->count; i++) {
        struct pool_next_model model = {.name = all->children[i].name};
        if (!json_span_number(document->text, &all->children[i], &model.until) || model.until <= now)
            continue;
        *models = arena_extend(arena, *models, *count, sizeof model);
        (*models)[(*count)++] = model;
    }
}

size_t pool_next_models(struct arena *arena, const struct pool_document *document, const struct provider *provider,
                        const char *fingerprint, double now, struct pool_next_model **ret)
{
    const struct json *array = json_span_member(document->pool, provider->id);
    size_t count = 0;
    *ret = NULL;
    for (size_t i = 0; array != NULL && array->kind == JSON_ARRAY && i < array->count; i++) {
        if (array->children[i].kind != JSON_OBJECT)
            continue;
        struct entry entry = pool_entry_read(arena, document->text, &array->children[i], provider, now);
        if (strcmp(entry.effective, fingerprint) == 0)
            add_models(arena, document, &entry, now, ret, &count);
    }
    return count;
}
