#include <stdlib.h>
#include <string.h>

#include "custom_provider.h"
#include "name_table.h"
#include "pool.h"
#include "pool_document.h"
#include "source.h"
#include "utf8.h"

/* The root has the pool, the pool has lists, a list has entries; what they hold is for who wants it. */
enum { ENTRY_DEPTH = 3 };

static void unreadable(struct pool_document *document, const struct source *source, struct diagnostics *diagnostics,
                       const char *why)
{
    struct diagnostic *d =
        diagnostic_add(diagnostics, SEVERITY_WARNING, "pool-unreadable", (struct place){.source = source},
                       "%s %s; it is left alone", source->label, why);
    diagnostic_help(diagnostics, d, "mend the file or move it away: Hermes reads it as empty and would overwrite it");
    document->unreadable = true;
}

/* What Hermes itself takes for a store: anything else it would treat as empty, and lose. */
static const char *why_no_object(const struct source *source, const struct json *root)
{
    if (utf8_valid(source->bytes, source->len) < source->len)
        return "is not UTF-8";
    if (source->len == 0)
        return "is empty";
    if (source->len >= 3 && memcmp(source->bytes, "\xEF\xBB\xBF", 3) == 0)
        return "starts with a byte order mark";
    if (root == NULL)
        return "is not JSON";
    return root->kind == JSON_OBJECT ? NULL : root->kind == JSON_ARRAY ? "is a list, not an object" : "is no object";
}

struct pool_document pool_document_open(struct arena *arena, struct source *source, struct diagnostics *diagnostics)
{
    struct pool_document document = {.text = source->present ? source->bytes : NULL, .len = source->len};
    size_t at;
    document.unreadable = source->refused;
    if (!source->present)
        return document;
    if (source->document != NULL)
        return *source->document;
    document.root = json_span_scan_closed(arena, source->bytes, source->len, ENTRY_DEPTH, &at);
    const char *why = why_no_object(source, document.root);
    if (why != NULL) {
        unreadable(&document, source, diagnostics, why);
        return document;
    }
    document.pool = json_span_member(document.root, "credential_pool");
    const struct json *providers = json_span_member(document.root, "providers");
    bool has_pool = document.pool != NULL && document.pool->kind == JSON_OBJECT;
    bool has_providers = providers != NULL && providers->kind == JSON_OBJECT;
    if (document.pool != NULL && !has_pool)
        unreadable(&document, source, diagnostics, "has a credential_pool that is no object");
    else if (!has_pool && !has_providers)
        unreadable(&document, source, diagnostics, "has neither providers nor credential_pool");
    if (document.unreadable)
        return document;
    source->document = arena_alloc(arena, sizeof document);
    *source->document = document;
    return document;
}

bool pool_suppressed(const struct pool_view *view, const char *provider, const char *source)
{
    for (size_t i = 0; i < view->suppressed_count; i++)
        if (strcmp(view->suppressed[i].provider, provider) == 0 && strcmp(view->suppressed[i].source, source) == 0)
            return true;
    return false;
}

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
    view->entries[view->count++] = (struct pool_entry){
        .provider = provider,
        .id = entry->id != NULL ? entry->id : "?",
        .label = entry->label,
        .source = entry->source,
        .secret = entry->token,
        .oauth = entry->oauth,
        .root = root,
    };
}

size_t pool_source_rank(const char *provider, const char *source)
{
    static const char *const seeded[] = {"env:ANTHROPIC_TOKEN", "env:CLAUDE_CODE_OAUTH_TOKEN", "hermes_pkce",
                                         "claude_code", "env:ANTHROPIC_API_KEY"};
    size_t rank = 0;
    if (strcmp(provider, "anthropic") != 0)
        return 0;
    while (rank < sizeof seeded / sizeof *seeded && strcmp(source, seeded[rank]) != 0)
        rank++;
    return rank + 1;
}

struct place_in_pool {
    size_t rank;
    double priority;
    size_t index;
};

static int compare_places(const void *a, const void *b)
{
    const struct place_in_pool *left = a;
    const struct place_in_pool *right = b;
    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    if (left->priority != right->priority)
        return left->priority < right->priority ? -1 : 1;
    return left->index < right->index ? -1 : left->index > right->index;
}

size_t *pool_document_sorted(struct arena *arena, const char *provider, const struct entry *entries, size_t count)
{
    size_t *order = arena_alloc(arena, count * sizeof *order);
    struct place_in_pool *places = arena_alloc(arena, count * sizeof *places);
    for (size_t i = 0; i < count; i++)
        places[i] = (struct place_in_pool){entries[i].manual ? 0 : pool_source_rank(provider, entries[i].source),
                                           entries[i].priority, i};
    if (count > 1)
        qsort(places, count, sizeof *places, compare_places);
    for (size_t i = 0; i < count; i++)
        order[i] = places[i].index;
    return order;
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

void pool_inherit(struct arena *arena, struct pool_view *view, struct source *root, struct diagnostics *diagnostics)
{
    struct pool_document document = pool_document_open(arena, root, diagnostics);
    struct name_table own = {0};
    for (size_t i = 0; i < view->count; i++)
        name_table_put(arena, &own, view->entries[i].provider, i);
    for (size_t i = 0; !document.unreadable && document.pool != NULL && i < document.pool->count; i++)
        if (name_table_get(&own, document.pool->children[i].name) == NULL)
            read_entries(arena, view, &document, &document.pool->children[i], root);
}
