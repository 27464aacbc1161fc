#include "pool_read.h"

#include <string.h>

#include "name_table.h"
#include "pool_document.h"

static void read_suppressed(struct arena *arena, struct pool_view *view, const struct pool_document *document)
{
    const struct json *all = json_span_member(document->root, "suppressed_sources");
    for (size_t i = 0; all != NULL && all->kind == JSON_OBJECT && i < all->count; i++)
        for (size_t k = 0; all->children[i].kind == JSON_ARRAY && k < all->children[i].count; k++) {
            const char *source = json_span_string(arena, document->text, &all->children[i].children[k]);
            if (source == NULL)
                continue;
            void *items = view->suppressed;
            arena_grow(arena, &items, &view->suppressed_capacity, view->suppressed_count + 1, sizeof *view->suppressed);
            view->suppressed = items;
            view->suppressed[view->suppressed_count++] = (struct pool_suppression){all->children[i].name, source};
        }
}

static void add_entry(struct arena *arena, struct pool_view *view, const char *provider, const struct entry *entry,
                      const struct source *root)
{
    void *items = view->entries;
    arena_grow(arena, &items, &view->capacity, view->count + 1, sizeof *view->entries);
    view->entries = items;
    view->entries[view->count++] = (struct pool_view_entry){
        .provider = provider,
        .id = entry->id != NULL ? entry->id : "?",
        .label = entry->label,
        .source = entry->source,
        .secret = entry->token,
        .oauth = entry->oauth,
        .root = root,
    };
}

static void read_entries(struct arena *arena, struct pool_view *view, const struct pool_document *document,
                         const struct json *array, const struct source *root)
{
    struct entry *entries = arena_alloc(arena, array->count * sizeof *entries);
    size_t count = 0;
    for (size_t k = 0; array->kind == JSON_ARRAY && k < array->count; k++)
        if (array->children[k].kind == JSON_OBJECT)
            entries[count++] = pool_entry_outline(arena, document->text, &array->children[k]);
    const size_t *order = pool_document_sorted(arena, array->name, entries, count);
    for (size_t k = 0; k < count; k++)
        if (!entries[order[k]].ours)
            add_entry(arena, view, array->name, &entries[order[k]], root);
}

/* A custom provider that the configuration does not have. */
static bool nobodys(const struct custom_providers *customs, const char *name)
{
    return strncmp(name, "custom:", 7) == 0 && name_table_get(&customs->names, name + 7) == NULL;
}

struct pool_view pool_read(struct arena *arena, struct source *source, const struct custom_providers *customs,
                           struct diagnostics *diagnostics)
{
    struct pool_view view = {0};
    struct pool_document document = pool_document_open(arena, source, diagnostics);
    view.unreadable = document.unreadable;
    if (document.unreadable || document.root == NULL)
        return view;
    read_suppressed(arena, &view, &document);
    for (size_t i = 0; document.pool != NULL && i < document.pool->count; i++)
        if (!nobodys(customs, document.pool->children[i].name))
            read_entries(arena, &view, &document, &document.pool->children[i], NULL);
    return view;
}

void pool_read_inherited(struct arena *arena, struct pool_view *view, struct source *root, struct diagnostics *diagnostics)
{
    struct pool_document document = pool_document_open(arena, root, diagnostics);
    struct name_table own = {0};
    for (size_t i = 0; i < view->count; i++)
        name_table_put(arena, &own, view->entries[i].provider, i);
    for (size_t i = 0; !document.unreadable && document.pool != NULL && i < document.pool->count; i++)
        if (name_table_get(&own, document.pool->children[i].name) == NULL)
            read_entries(arena, view, &document, &document.pool->children[i], root);
}
