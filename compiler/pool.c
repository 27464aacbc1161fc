#include "pool_projector.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shown_value.h"
#include "source.h"

struct edit {
    size_t start;
    size_t end;
    const char *text;
};

struct edits {
    struct edit *items;
    size_t count;
    size_t capacity;
};

static void add_edit(struct projector *p, struct edits *edits, size_t start, size_t end, const char *text)
{
    void *items = edits->items;
    arena_grow(p->arena, &items, &edits->capacity, edits->count + 1, sizeof(struct edit));
    edits->items = items;
    edits->items[edits->count++] = (struct edit){start, end, text};
}

/* --- one pool --- */

static bool leave_alone(struct projector *p, const char *why)
{
    struct diagnostic *d =
        diagnose(p->diagnostics, SEVERITY_WARNING, "pool-left-alone", (struct place){.source = p->source},
                 "the pool of %s is left alone: %s", shown_name(p->arena, p->name), why);
    diagnostic_help(p->diagnostics, d, "mend it by hand, or remove it with `hermes auth`");
    return false;
}

/* Neither the sources nor this program have anything in the pool: it is not looked into. */
static bool somebody_elses(const struct projector *p, const struct json *array)
{
    const char *text = p->document.text;
    bool known = p->provider != NULL && p->provider->credential_count + p->provider->seed_count > 0;
    return !known && array != NULL && array->kind == JSON_ARRAY &&
           memmem(text + array->start, array->end - array->start, POOL_OUR_SOURCE, sizeof POOL_OUR_SOURCE - 1) == NULL;
}

static bool read_entries(struct projector *p, const struct json *array)
{
    p->count = array == NULL ? 0 : array->count;
    p->entries = arena_alloc(p->arena, p->count * sizeof *p->entries);
    if (array != NULL && array->kind != JSON_ARRAY)
        return leave_alone(p, "it is no list");
    for (size_t i = 0; i < p->count; i++) {
        if (array->children[i].kind != JSON_OBJECT)
            return leave_alone(p, "one of its entries is no object");
        p->entries[i] = entry_read(p->arena, p->document.text, &array->children[i], p->provider, p->now);
        if (!p->entries[i].has_priority && !p->entries[i].ours)
            return leave_alone(p, "the priority of one of its entries is no number");
    }
    return true;
}

static bool concerns_us(const struct projector *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->entries[i].ours || p->entries[i].seed != NULL)
            return true;
    for (size_t i = 0; p->provider != NULL && p->provider->projected && i < p->provider->credential_count; i++)
        if (pool_wanted(p, &p->provider->credentials[i]))
            return true;
    return false;
}

static void write_slots(struct projector *p)
{
    for (size_t i = 0; i < p->slot_count; i++) {
        struct slot *slot = &p->slots[i];
        if (slot->entry != NULL) {
            pool_edit_slot(p, slot);
        } else {
            slot->text = pool_new_entry(p, slot);
            pool_note_change(p, "added", slot->credential->fingerprint.text, slot->credential->label);
            p->structural = true;
        }
        const char *key = slot->credential != NULL ? slot->credential->fingerprint.text : slot->entry->effective;
        if (slot->entry == NULL || !slot->entry->oauth)
            pool_remember(p, &slot->state, key);
    }
}

static void drop_stale(struct projector *p)
{
    for (size_t i = 0; i < p->count; i++) {
        struct entry *entry = &p->entries[i];
        if (!entry->ours || pool_slot_of(p, entry) != NULL)
            continue;
        pool_remember(p, &entry->state, entry->on_disk);
        pool_note_change(p, "removed", entry->on_disk, entry->source + strlen(POOL_OUR_SOURCE));
        p->structural = true;
    }
}

/* NULL: nothing to do with this pool. */
static const char *project_pool(struct projector *p, const struct json *array)
{
    p->structural = false;
    if (somebody_elses(p, array) || !read_entries(p, array))
        return NULL;
    pool_part_states_from_old_keys(p);
    pool_note_states(p);
    if (!concerns_us(p))
        return NULL;
    pool_arrange(p);
    if (!pool_order_holds(p)) {
        pool_number_slots(p);
        p->structural = p->structural || pool_order_is_ours_to_set(p);
        for (size_t i = 0; i < p->slot_count; i++)
            if (p->slots[i].entry != NULL && !pool_order_is_ours_to_set(p))
                p->slots[i].set_priority = false;
    }
    size_t before = p->changes->len;
    drop_stale(p);
    write_slots(p);
    if (p->changes->len == before)
        return NULL;
    return pool_array_text(p);
}

/* --- the whole file --- */

static int compare_id(const void *id, const void *provider)
{
    return strcmp(id, ((const struct provider *)provider)->id);
}

static const struct provider *find_provider(const struct providers *providers, const char *id)
{
    return providers->count == 0
               ? NULL
               : bsearch(id, providers->items, providers->count, sizeof *providers->items, compare_id);
}

/* `,"NAME": [...]` for each provider that has no pool yet. */
static void put_new_members(struct text *out, struct projector *p, const struct providers *providers)
{
    for (size_t i = 0; i < providers->count; i++) {
        p->provider = &providers->items[i];
        p->name = p->provider->id;
        if (name_table_get(&p->pools, p->name) != NULL || strcmp(p->name, "custom") == 0)
            continue;
        const char *array = project_pool(p, NULL);
        if (array == NULL)
            continue;
        text_printf(out, ",\n    %s: ", json_quote(p->arena, p->name));
        text_puts(out, array);
    }
}

static struct text new_members(struct projector *p, const struct providers *providers)
{
    struct text out = {.arena = p->arena};
    put_new_members(&out, p, providers);
    return out;
}

static void remove_members(struct projector *p, struct edits *edits, const bool *gone)
{
    const struct json *pool = p->document.pool;
    bool kept = false;
    for (size_t i = 0; i < pool->count; i++) {
        const struct json *child = &pool->children[i];
        if (!gone[i])
            kept = true;
        else if (kept)
            add_edit(p, edits, pool->children[i - 1].end, child->end, "");
        else if (i + 1 < pool->count)
            add_edit(p, edits, child->name_start, pool->children[i + 1].name_start, "");
    }
}

/* `providers` stands in a store that has no pool, so there is a member before this one. */
static void add_pool(struct projector *p, struct edits *edits, const char *members)
{
    const struct json *root = p->document.root;
    size_t end = root->children[root->count - 1].end;
    add_edit(p, edits, end, end, arena_printf(p->arena, ",\n  \"credential_pool\": {%s\n  }", members));
    cooldowns_set_empty(p->cooldowns, "", true);
}

static void remove_pool(struct projector *p, struct edits *edits)
{
    const struct json *root = p->document.root;
    size_t at = (size_t)(p->document.pool - root->children);
    cooldowns_set_empty(p->cooldowns, "", false);
    if (at > 0)
        add_edit(p, edits, root->children[at - 1].end, p->document.pool->end, "");
    else if (root->count > 1)
        add_edit(p, edits, p->document.pool->name_start, root->children[1].name_start, "");
}

static void edit_members(struct projector *p, struct edits *edits, const struct providers *providers)
{
    const struct json *pool = p->document.pool;
    size_t count = pool == NULL ? 0 : pool->count;
    bool *gone = arena_alloc(p->arena, count * sizeof *gone + 1);
    bool *twice = arena_alloc(p->arena, count * sizeof *twice + 1);
    size_t removed = 0;
    for (size_t i = 0; i < count; i++) {
        twice[i] = name_table_get(&p->pools, pool->children[i].name) != NULL;
        name_table_put(p->arena, &p->pools, pool->children[i].name, i);
    }
    for (size_t i = 0; i < count; i++) {
        const struct json *array = &pool->children[i];
        p->name = array->name;
        p->provider = find_provider(providers, array->name);
        if (*name_table_get(&p->pools, array->name) != i)
            continue; /* Python takes the last of equal names; so do we */
        if (twice[i]) {
            (void)leave_alone(p, "its name stands twice");
            continue;
        }
        const char *text = project_pool(p, array);
        bool emptied = text != NULL && strcmp(text, "[]") == 0;
        gone[i] = emptied && !cooldowns_empty(p->cooldowns, p->name);
        if (emptied || (text != NULL && array->count == 0))
            cooldowns_set_empty(p->cooldowns, p->name, !emptied);
        removed += gone[i];
        if (text != NULL && !gone[i])
            add_edit(p, edits, array->start, array->end, text);
    }
    struct text added = new_members(p, providers);
    if (pool == NULL) {
        if (added.len > 0)
            add_pool(p, edits, added.bytes + 1);
    } else if (removed == count && added.len == 0 && cooldowns_empty(p->cooldowns, "")) {
        remove_pool(p, edits);
    } else if (removed == count) {
        if (removed > 0 || added.len > 0)
            add_edit(p, edits, pool->start, pool->end,
                     added.len > 0 ? arena_printf(p->arena, "{%s\n  }", added.bytes + 1) : "{}");
    } else {
        remove_members(p, edits, gone);
        if (added.len > 0)
            add_edit(p, edits, pool->children[count - 1].end, pool->children[count - 1].end, added.bytes);
    }
}

static int compare_edits(const void *a, const void *b)
{
    const struct edit *left = a;
    const struct edit *right = b;
    if (left->start != right->start)
        return left->start < right->start ? -1 : 1;
    return left->end < right->end ? -1 : left->end > right->end;
}

static struct text apply(struct projector *p, struct edits *edits)
{
    struct text out = {.arena = p->arena};
    size_t copied = 0;
    size_t more = 0;
    for (size_t i = 0; i < edits->count; i++)
        more += strlen(edits->items[i].text);
    text_reserve(&out, p->document.len + more);
    if (edits->count > 1)
        qsort(edits->items, edits->count, sizeof *edits->items, compare_edits);
    for (size_t i = 0; i < edits->count; i++) {
        text_append(&out, p->document.text + copied, edits->items[i].start - copied);
        text_puts(&out, edits->items[i].text);
        copied = edits->items[i].end;
    }
    text_append(&out, p->document.text + copied, p->document.len - copied);
    return out;
}

static struct text fresh_store(struct projector *p, const struct providers *providers)
{
    struct text out = {.arena = p->arena};
    char at[40];
    struct tm utc;
    time_t seconds = (time_t)p->now;
    text_puts(&out, "{\n  \"version\": 1,\n  \"providers\": {},\n  \"credential_pool\": ");
    size_t opening = out.len;
    put_new_members(&out, p, providers);
    if (out.len == opening)
        return (struct text){0};
    out.bytes[opening] = '{'; /* in place of the first comma */
    (void)gmtime_r(&seconds, &utc);
    (void)strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%S+00:00", &utc);
    text_printf(&out, "\n  },\n  \"updated_at\": \"%s\"\n}\n", at);
    return out;
}

struct pool_projection pool_project(struct arena *arena, struct source *source, const struct providers *providers,
                                    struct cooldowns *cooldowns, double now, struct diagnostics *diagnostics)
{
    struct text *changes = arena_alloc(arena, sizeof *changes);
    struct diagnostics said_before = {.arena = arena};
    struct edits edits = {0};
    struct text text = {.arena = arena};
    *changes = (struct text){.arena = arena};
    struct projector p = {.arena = arena,
                          .source = source,
                          .cooldowns = cooldowns,
                          .diagnostics = diagnostics,
                          .changes = changes,
                          .now = now,
                          .document = pool_open(arena, source, &said_before)};
    if (p.document.unreadable) /* pool_read has said so */
        return (struct pool_projection){.changes = changes};
    if (p.document.text == NULL) {
        text = fresh_store(&p, providers);
    } else {
        edit_members(&p, &edits, providers);
        if (edits.count > 0)
            text = apply(&p, &edits);
    }
    return (struct pool_projection){.text = text.bytes, .len = text.len, .changes = changes};
}
