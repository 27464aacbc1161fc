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
    bool fewest = strcmp(provider->strategy, "least_used") == 0;
    const struct entry *next = NULL;
    if (strcmp(provider->strategy, "random") == 0)
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
