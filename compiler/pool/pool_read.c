#include "pool_read.h"

#include <string.h>

#include "name_table.h"
#include "pool_document.h"
#include "shown.h"
#include "source.h"

static void read_suppressed(struct arena *arena, struct pool_view *view, const struct pool_document *document)
{
    const struct json *all = json_span_member(document->root, "suppressed_sources");
    for (size_t i = 0; all != NULL && all->kind == JSON_OBJECT && i < all->count; i++)
        for (size_t k = 0; all->children[i].kind == JSON_ARRAY && k < all->children[i].count; k++) {
            const char *source = json_span_string(arena, document->text, &all->children[i].children[k]);
            if (source == NULL)
                continue;
            ARENA_GROW(arena, view->suppressed, view->suppressed_capacity, view->suppressed_count + 1);
            view->suppressed[view->suppressed_count++] = (struct pool_suppression){all->children[i].name, source};
        }
}

/* Hermes in a profile takes an entry that it made of the root's config.yaml out again: it lends no key. */
static bool is_seeded(const struct entry *entry)
{
    return strncmp(entry->source, "config:", 7) == 0;
}

static void add_entry(struct arena *arena, struct pool_view *view, const char *provider, const struct entry *entry,
                      const struct source *root)
{
    struct pool_view_entry added = {
        .provider = provider,
        .id = entry->id != NULL ? entry->id : "?",
        .label = entry->label,
        .source = entry->source,
        .secret = root != NULL && is_seeded(entry) ? NULL : entry->token,
        .base_url = entry->base_url,
        .oauth = entry->oauth,
        .ours = entry->ours || pool_entry_made(provider, entry),
        .root = root,
    };
    pool_view_add(arena, view, added);
}

/* Of entries of ours nothing is said here, but of the ROOT's, which Hermes in a profile takes as it takes any other.
 * The count of those that are. */
static size_t read_entries(struct arena *arena, struct pool_view *view, const struct pool_document *document,
                           const struct json *array, const char *provider, const struct source *root)
{
    struct entry *entries = arena_alloc(arena, array->count * sizeof *entries);
    size_t count = 0;
    size_t before = view->count;
    for (size_t k = 0; array->kind == JSON_ARRAY && k < array->count; k++)
        if (array->children[k].kind == JSON_OBJECT)
            entries[count++] = pool_entry_outline(arena, document->text, &array->children[k]);
    const size_t *order = pool_document_sorted(arena, provider, entries, count);
    for (size_t k = 0; k < count; k++)
        if (root != NULL || !entries[order[k]].ours)
            add_entry(arena, view, provider, &entries[order[k]], root);
    return view->count - before;
}

/* Whose pool that of NAME is. A custom provider has two: "custom:<name>", and since 0.22 the one that is called
 * like its key in `providers`. NULL: a custom provider's that the configuration does not have. */
static const char *owner_of(const struct custom_providers *customs, const char *name)
{
    if (strncmp(name, "custom:", 7) == 0)
        return name_table_get(&customs->names, name + 7) == NULL ? NULL : name;
    const struct custom_provider *custom =
        provider_table_find(name) == NULL ? custom_provider_find(customs, name) : NULL;
    return custom == NULL || custom->row != NULL ? name : custom->id;
}

/* A provider that was renamed leaves its pool behind; Hermes asks it no more, and drops no entry of it. */
static void name_orphan(struct arena *arena, const struct source *source, const struct pool_document *document,
                        const struct json *array, struct diagnostics *diagnostics)
{
    struct pool_view theirs = {0};
    size_t count = read_entries(arena, &theirs, document, array, array->name, NULL);
    for (size_t i = 0; i < theirs.count; i++)
        count -= theirs.entries[i].ours;
    if (count == 0)
        return;
    struct diagnostic *d = diagnostic_add(diagnostics, CODE_ORPHANED_POOL, (struct place){.source = source},
                                          "%s has %zu entr%s for %s, which config.yaml does not define", source->label,
                                          count, count == 1 ? "y" : "ies", shown_name(arena, array->name));
    diagnostic_help(diagnostics, d, "hermes auth list; hermes auth remove %s 1", shown_name(arena, array->name));
}

struct pool_view pool_read(struct arena *arena, struct source *source, const struct custom_providers *customs,
                           struct diagnostics *diagnostics)
{
    struct pool_view view = {0};
    struct pool_document document = pool_document_open(arena, source, diagnostics);
    view.unreadable = document.unreadable;
    const struct json *logins = document.root == NULL ? NULL : json_span_member(document.root, "providers");
    view.login = logins != NULL && logins->kind == JSON_OBJECT && logins->count > 0;
    if (document.unreadable || document.root == NULL)
        return view;
    read_suppressed(arena, &view, &document);
    for (size_t i = 0; document.pool != NULL && i < document.pool->count; i++) {
        const struct json *array = &document.pool->children[i];
        const char *owner = owner_of(customs, array->name);
        if (owner != NULL)
            (void)read_entries(arena, &view, &document, array, owner, NULL);
        else
            name_orphan(arena, source, &document, array, diagnostics);
    }
    return view;
}

/* The entry of a custom provider's key that config.yaml does not have goes out, by Hermes or, where it is of ours, by
 * us: a copied auth.json has such ones. */
static bool goes_out(const struct custom_providers *customs, const struct pool_view_entry *entry)
{
    if ((entry->secret != NULL && !entry->ours) || strncmp(entry->source, "config:", 7) != 0)
        return false;
    const struct custom_provider *custom = custom_provider_find(customs, entry->source + 7);
    return custom == NULL || custom_provider_key(custom) == NULL;
}

/* Among the first COUNT entries. */
static bool has_entry(const struct pool_view *view, size_t count, const struct custom_providers *customs,
                      const char *provider)
{
    const struct pool_view_entry *entry = NULL;
    while ((entry = pool_view_next(view, provider, entry)) != NULL && entry < view->entries + count)
        if (!goes_out(customs, entry))
            return true;
    return false;
}

void pool_read_inherited(struct arena *arena, struct pool_view *view, struct source *root,
                         const struct custom_providers *customs, struct diagnostics *diagnostics)
{
    struct pool_document document = pool_document_open(arena, root, diagnostics);
    const size_t own = view->count;
    for (size_t i = 0; !document.unreadable && document.pool != NULL && i < document.pool->count; i++) {
        const struct json *array = &document.pool->children[i];
        if (!has_entry(view, own, customs, array->name))
            (void)read_entries(arena, view, &document, array, array->name, root);
    }
}

bool pool_read_has_ours(struct arena *arena, struct source *source)
{
    struct diagnostics unsaid = {.arena = arena};
    struct pool_document document = pool_document_open(arena, source, &unsaid);
    for (size_t i = 0; !document.unreadable && document.pool != NULL && i < document.pool->count; i++)
        if (pool_entry_any_ours(arena, document.text, &document.pool->children[i]))
            return true;
    return false;
}
