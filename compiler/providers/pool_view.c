#include "pool_view.h"

#include <string.h>

#include "arena.h"

void pool_view_add(struct arena *arena, struct pool_view *view, struct pool_view_entry entry)
{
    const uint32_t *last = name_table_get(&view->last, entry.provider);
    ARENA_GROW(arena, view->entries, view->capacity, view->count + 1);
    if (last != NULL)
        view->entries[*last].next = (uint32_t)view->count + 1;
    else
        name_table_put(arena, &view->first, entry.provider, view->count);
    name_table_put(arena, &view->last, entry.provider, view->count);
    view->entries[view->count++] = entry;
}

const struct pool_view_entry *pool_view_next(const struct pool_view *view, const char *provider,
                                             const struct pool_view_entry *after)
{
    const uint32_t *first = after == NULL ? name_table_get(&view->first, provider) : NULL;
    if (first != NULL)
        return &view->entries[*first];
    return after == NULL || after->next == 0 ? NULL : &view->entries[after->next - 1];
}

bool pool_view_has_others(const struct pool_view *view, const char *provider)
{
    const struct pool_view_entry *entry = NULL;
    while ((entry = pool_view_next(view, provider, entry)) != NULL)
        if (!entry->ours)
            return true;
    return false;
}

bool pool_view_has_others_key(const struct pool_view *view, const char *provider)
{
    const struct pool_view_entry *entry = NULL;
    while ((entry = pool_view_next(view, provider, entry)) != NULL)
        if (!entry->ours && entry->secret != NULL)
            return true;
    return false;
}

bool pool_view_suppressed(const struct pool_view *view, const char *provider, const char *source)
{
    for (size_t i = 0; i < view->suppressed_count; i++)
        if (strcmp(view->suppressed[i].provider, provider) == 0 && strcmp(view->suppressed[i].source, source) == 0)
            return true;
    return false;
}

bool pool_view_manual_first(const char *provider)
{
    return strcmp(provider, "anthropic") == 0;
}

size_t pool_view_source_rank(const char *provider, const char *source)
{
    static const char *const seeded[] = {"env:ANTHROPIC_TOKEN", "env:CLAUDE_CODE_OAUTH_TOKEN", "hermes_pkce",
                                         "claude_code", "env:ANTHROPIC_API_KEY"};
    size_t rank = 0;
    if (!pool_view_manual_first(provider))
        return 0;
    while (rank < sizeof seeded / sizeof *seeded && strcmp(source, seeded[rank]) != 0)
        rank++;
    return rank + 1;
}
