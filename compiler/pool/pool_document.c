#include "pool_document.h"

#include <stdlib.h>
#include <string.h>

#include "pool_view.h"
#include "source.h"
#include "utf8.h"

/* The root has the pool, the pool has lists, a list has entries; what they hold is for who wants it. */
enum { ENTRY_DEPTH = 3 };

static void unreadable(struct pool_document *document, const struct source *source, struct diagnostics *diagnostics,
                       const char *why)
{
    struct diagnostic *d = diagnostic_add(diagnostics, CODE_POOL_UNREADABLE, (struct place){.source = source},
                                          "%s %s; it is not changed", source->label, why);
    diagnostic_help(diagnostics, d, "fix the file or move it away: Hermes reads it as empty and would overwrite it");
    document->unreadable = true;
}

/* What Hermes itself takes for a store: anything else it would treat as empty, and lose. */
static const char *why_no_object(const struct source *source, const struct json *root)
{
    if (utf8_valid(source->bytes, source->len) < source->len)
        return "is not UTF-8";
    if (source->len == 0)
        return "is empty";
    if (root == NULL)
        return "is not JSON";
    return root->kind == JSON_OBJECT  ? NULL
           : root->kind == JSON_ARRAY ? "is a list, not an object"
                                      : "is not an object";
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
        unreadable(&document, source, diagnostics, "has a credential_pool that is not an object");
    else if (!has_pool && !has_providers)
        unreadable(&document, source, diagnostics, "has neither providers nor credential_pool");
    if (document.unreadable)
        return document;
    source->document = arena_alloc(arena, sizeof document);
    *source->document = document;
    return document;
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
        places[i] = (struct place_in_pool){entries[i].manual ? 0 : pool_view_source_rank(provider, entries[i].source),
                                           entries[i].priority, i};
    if (count > 1)
        qsort(places, count, sizeof *places, compare_places);
    for (size_t i = 0; i < count; i++)
        order[i] = places[i].index;
    return order;
}
