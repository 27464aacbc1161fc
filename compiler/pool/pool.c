#include "pool.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json_python.h"
#include "pool_order.h"
#include "pool_removed.h"
#include "pool_states.h"
#include "pool_text.h"
#include "pool_wanted.h"
#include "shown.h"
#include "source.h"

/* --- the new text: pieces of the old one, and what stands between them --- */

static void add_piece(struct projector *p, struct pieces *pieces, const char *bytes, size_t len)
{
    if (len == 0)
        return;
    ARENA_GROW(p->arena, pieces->items, pieces->capacity, pieces->count + 1);
    pieces->items[pieces->count++] = (struct piece){bytes, len};
}

/* What stood from START to END makes room for TEXT; the next place is behind this one. */
static void splice(struct projector *p, size_t start, size_t end, const char *text)
{
    add_piece(p, &p->out, p->document.text + p->copied, start - p->copied);
    add_piece(p, &p->out, text, strlen(text));
    p->copied = end;
}

/* --- one pool --- */

static bool leave_alone(struct projector *p, const char *why)
{
    struct diagnostic *d = diagnostic_add(p->diagnostics, CODE_POOL_LEFT_ALONE, (struct place){.source = p->source},
                                          "the pool of %s is not changed: %s", shown_name(p->arena, p->name), why);
    diagnostic_help(p->diagnostics, d, "fix it by hand, or remove it with `hermes auth`");
    return false;
}

/* Of a custom provider that is not there any more, which may come back under another name. */
static bool orphaned(const struct projector *p)
{
    return p->provider == NULL && strncmp(p->name, "custom:", 7) == 0;
}

/* Neither the sources nor this program have anything in the pool: it is not looked into. */
static bool somebody_elses(const struct projector *p, const struct json *array)
{
    const char *text = p->document.text;
    bool known = p->provider != NULL &&
                 (p->provider->credential_count + p->provider->seed_count > 0 || p->provider->stand_in != NULL);
    bool made = p->cooldowns->lists[COOLDOWNS_MADE].count > 0;
    return !known && !made && !orphaned(p) && array != NULL && array->kind == JSON_ARRAY &&
           !pool_entry_any_ours(p->arena, text, array);
}

static void note_entry(struct projector *p, struct entry *entry)
{
    p->has_oauth = p->has_oauth || entry->oauth;
    p->our_count += entry->ours;
    if (entry->ours || entry->manual)
        return;
    ARENA_GROW(p->arena, p->seeded, p->seeded_capacity, p->seeded_count + 1);
    p->seeded[p->seeded_count++] = entry;
}

/* What was written in Hermes's place is ours to remove when its key is gone: a profile might take that for its own. */
static void take_back_made(const struct projector *p, struct entry *entry)
{
    bool has_key = entry->seed != NULL && entry->seed->secret != NULL;
    entry->made = pool_entry_made(p->name, entry);
    bool lent = entry->made && p->shared && strncmp(entry->source, "env:", 4) == 0;
    entry->ours = entry->ours || (!entry->manual && (!has_key || lent) && pool_projector_made(p, entry));
}

static bool read_entries(struct projector *p, const struct json *array)
{
    p->count = array == NULL ? 0 : array->count;
    ARENA_GROW(p->arena, p->entries, p->entry_capacity, p->count);
    p->has_oauth = pool_wanted_login_in_env(p);
    p->seeded_count = p->our_count = 0;
    if (array != NULL && array->kind != JSON_ARRAY)
        return leave_alone(p, "it is not a list");
    for (size_t i = 0; i < p->count; i++) {
        if (array->children[i].kind != JSON_OBJECT)
            return leave_alone(p, "one of its entries is not an object");
        p->entries[i] = pool_entry_read(p->arena, p->document.text, &array->children[i], p->provider, p->now);
        take_back_made(p, &p->entries[i]);
        note_entry(p, &p->entries[i]);
        if (!p->entries[i].has_priority && !p->entries[i].ours)
            return leave_alone(p, "the priority of one of its entries is not a number");
    }
    pool_entry_note_only(p->entries, p->count, p->now);
    return true;
}

static bool concerns_us(const struct projector *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->entries[i].ours || p->entries[i].seed != NULL)
            return true;
    return p->wanted_count > 0;
}

static void write_slots(struct projector *p)
{
    for (size_t i = 0; i < p->slot_count; i++) {
        struct slot *slot = &p->slots[i];
        pool_text_begin_slot(p, slot);
        if (slot->made != NULL)
            cooldowns_list(p->cooldowns, COOLDOWNS_MADE,
                           arena_printf(p->arena, "%s %s%s", p->name, slot->made->kind, slot->made->name), true);
        if (slot->entry != NULL)
            pool_text_edit_slot(p, slot);
        else
            pool_projector_note_change(p, "added", slot->credential->fingerprint.text, slot->credential->label);
        const char *key = slot->credential != NULL ? slot->credential->fingerprint.text : slot->entry->effective;
        if (slot->entry == NULL || !slot->entry->oauth)
            pool_states_remember(p, &slot->state, key, true);
    }
}

static void drop_stale(struct projector *p)
{
    for (size_t i = 0; i < p->count; i++) {
        struct entry *entry = &p->entries[i];
        if (!entry->ours || entry->slot != NULL)
            continue;
        bool made = strncmp(entry->source, POOL_OUR_SOURCE, strlen(POOL_OUR_SOURCE)) != 0;
        pool_states_remember(p, &entry->state, entry->on_disk, false);
        pool_projector_note_change(p, "removed", entry->on_disk, entry->source + (made ? 0 : strlen(POOL_OUR_SOURCE)));
        cooldowns_list(p->cooldowns, COOLDOWNS_MADE, arena_printf(p->arena, "%s %s", p->name, entry->source), false);
    }
}

/* The pool's list of entries, behind its name where it is a new one. NULL: there is nothing to do with it. */
static const char *project_pool(struct projector *p, const struct json *array)
{
    if (somebody_elses(p, array) || !read_entries(p, array))
        return NULL;
    pool_states_adopt(p);
    pool_states_part_from_old_keys(p);
    pool_states_note(p);
    pool_removed_look(p, array);
    pool_wanted_gather(p);
    p->slot_count = 0;
    if (!concerns_us(p)) {
        pool_removed_note(p);
        return NULL;
    }
    pool_order_arrange(p);
    if (!pool_order_holds(p)) {
        pool_order_number(p);
        for (size_t i = 0; i < p->slot_count; i++)
            if (p->slots[i].entry != NULL && p->slots[i].entry->has_priority && !pool_projector_sets_order(p))
                p->slots[i].set_priority = false;
    }
    size_t before = p->changes.len;
    drop_stale(p);
    write_slots(p);
    pool_removed_note(p);
    if (p->changes.len == before)
        return NULL;
    p->text.len = 0;
    if (array == NULL) {
        text_puts(&p->text, ",\n    ");
        json_python_put(&p->text, p->name);
        text_puts(&p->text, ": ");
    }
    pool_text_put_array(p, &p->text);
    return arena_strndup(p->arena, p->text.bytes, p->text.len);
}

/* --- the whole file --- */

/* `,"NAME": [...]` for each provider that has no pool yet. Of one whose keys nobody holds there is nothing to say. */
static struct pieces new_members(struct projector *p, const struct providers *providers)
{
    struct pieces added = {0};
    for (size_t i = 0; !p->only_check && i < providers->count; i++) {
        p->provider = providers->items[i];
        p->name = p->provider->id;
        if (name_table_get(&p->pools, p->name) != NULL || strcmp(p->name, "custom") == 0)
            continue;
        const char *member = project_pool(p, NULL);
        if (member != NULL)
            add_piece(p, &added, member, strlen(member));
    }
    return added;
}

/* MEMBERS without the comma in front of the first one. */
static void add_members(struct projector *p, const struct pieces *members, bool comma)
{
    for (size_t i = 0; i < members->count; i++) {
        size_t skipped = i == 0 && !comma;
        add_piece(p, &p->out, members->items[i].bytes + skipped, members->items[i].len - skipped);
    }
}

/* `providers` stands in a store that has no pool, so there is a member before this one. */
static void add_pool(struct projector *p, const struct pieces *added)
{
    const struct json *root = p->document.root;
    size_t end = root->children[root->count - 1].end;
    splice(p, end, end, ",\n  \"credential_pool\": {");
    add_members(p, added, false);
    splice(p, end, end, "\n  }");
    cooldowns_list(p->cooldowns, COOLDOWNS_EMPTY, "", true);
}

static void remove_pool(struct projector *p)
{
    const struct json *root = p->document.root;
    size_t at = (size_t)(p->document.pool - root->children);
    cooldowns_list(p->cooldowns, COOLDOWNS_EMPTY, "", false);
    if (at > 0)
        splice(p, root->children[at - 1].end, p->document.pool->end, "");
    else if (root->count > 1)
        splice(p, p->document.pool->name_start, root->children[1].name_start, "");
}

/* All that were in it are gone. */
static void refill_pool(struct projector *p, const struct pieces *added)
{
    const struct json *pool = p->document.pool;
    if (pool->count == 0 && added->count == 0)
        return;
    splice(p, pool->start, pool->end, "{");
    add_members(p, added, false);
    splice(p, pool->end, pool->end, added->count > 0 ? "\n  }" : "}");
}

/* What becomes of a pool that stands in the file. */
struct outcome {
    const char *text; /* its list anew; NULL: it stays as it is */
    bool gone;
};

static void edit_pool(struct projector *p, const struct outcome *outcomes, const struct pieces *added)
{
    const struct json *pool = p->document.pool;
    bool kept = false;
    for (size_t i = 0; i < pool->count; i++) {
        const struct json *child = &pool->children[i];
        if (!outcomes[i].gone && outcomes[i].text != NULL)
            splice(p, child->start, child->end, outcomes[i].text);
        if (!outcomes[i].gone)
            kept = true;
        else if (kept)
            splice(p, pool->children[i - 1].end, child->end, "");
        else if (i + 1 < pool->count)
            splice(p, child->name_start, pool->children[i + 1].name_start, "");
    }
    if (added->count > 0)
        splice(p, pool->children[pool->count - 1].end, pool->children[pool->count - 1].end, "");
    add_members(p, added, true);
}

static struct outcome project_member(struct projector *p, const struct json *array)
{
    struct outcome outcome = {.text = project_pool(p, array)};
    if (outcome.text == NULL)
        return outcome;
    bool emptied = strcmp(outcome.text, "[]") == 0;
    outcome.gone = emptied && !cooldowns_listed(p->cooldowns, COOLDOWNS_EMPTY, p->name);
    if (emptied || array->count == 0)
        cooldowns_list(p->cooldowns, COOLDOWNS_EMPTY, p->name, !emptied);
    return outcome;
}

/* Python takes the last of equal names; so do we, but not to write. */
static const bool *index_pools(struct projector *p)
{
    const struct json *pool = p->document.pool;
    size_t count = pool == NULL ? 0 : pool->count;
    bool *twice = arena_alloc(p->arena, count * sizeof *twice);
    for (size_t i = 0; i < count; i++) {
        twice[i] = name_table_get(&p->pools, pool->children[i].name) != NULL;
        name_table_put(p->arena, &p->pools, pool->children[i].name, i);
    }
    return twice;
}

static void edit_members(struct projector *p, const struct providers *providers)
{
    const struct json *pool = p->document.pool;
    size_t count = pool == NULL ? 0 : pool->count;
    const bool *twice = index_pools(p);
    struct outcome *outcomes = arena_alloc(p->arena, count * sizeof *outcomes);
    size_t removed = 0;
    for (size_t i = 0; i < count; i++) {
        p->name = pool->children[i].name;
        p->provider = providers_get(providers, p->name);
        if (*name_table_get(&p->pools, p->name) != i)
            continue;
        if (twice[i])
            (void)leave_alone(p, "its name is given twice");
        else
            outcomes[i] = project_member(p, &pool->children[i]);
        removed += outcomes[i].gone;
    }
    struct pieces added = new_members(p, providers);
    if (pool == NULL && added.count > 0)
        add_pool(p, &added);
    else if (pool != NULL && removed < count)
        edit_pool(p, outcomes, &added);
    else if (pool != NULL && added.count == 0 && cooldowns_listed(p->cooldowns, COOLDOWNS_EMPTY, ""))
        remove_pool(p);
    else if (pool != NULL)
        refill_pool(p, &added);
    if (p->out.count > 0)
        add_piece(p, &p->out, p->document.text + p->copied, p->document.len - p->copied);
}

static void fresh_store(struct projector *p, const struct providers *providers)
{
    static const char opening[] = "{\n  \"version\": 1,\n  \"providers\": {},\n  \"credential_pool\": {";
    char at[40];
    struct tm utc;
    time_t seconds = (time_t)p->now;
    struct pieces members = new_members(p, providers);
    if (members.count == 0)
        return;
    add_piece(p, &p->out, opening, sizeof opening - 1);
    add_members(p, &members, false);
    (void)gmtime_r(&seconds, &utc);
    (void)strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%S+00:00", &utc);
    const char *closing = arena_printf(p->arena, "\n  },\n  \"updated_at\": \"%s\"\n}\n", at);
    add_piece(p, &p->out, closing, strlen(closing));
}

struct pool_projection pool_project(struct arena *arena, const struct pool_input *in, struct diagnostics *diagnostics)
{
    struct diagnostics said_before = {.arena = arena}; /* pool_read has said so */
    struct projector p = {.arena = arena,
                          .source = in->source,
                          .providers = in->providers,
                          .cooldowns = in->cooldowns,
                          .only_check = in->only_check,
                          .shared = in->shared,
                          .diagnostics = diagnostics,
                          .changes = {.arena = arena},
                          .text = {.arena = arena},
                          .now = in->now,
                          .document = pool_document_open(arena, in->source, &said_before)};
    pool_states_drop_old_rotations(p.cooldowns, p.now);
    if (!p.document.unreadable && p.document.text == NULL)
        fresh_store(&p, in->providers);
    else if (!p.document.unreadable)
        edit_members(&p, in->providers);
    if (p.out.count > 0)
        pool_removed_note_file(&p);
    return (struct pool_projection){.pieces = p.out.items, .count = p.out.count, .changes = p.changes};
}
