#include "pool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "name_table.h"
#include "pool_document.h"
#include "shown_value.h"
#include "source.h"

/* An entry as it shall be. */
struct slot {
    struct entry *entry;                 /* NULL: ours, new */
    const struct credential *credential; /* ours: the key it carries */
    struct entry_state state;
    double priority;
    bool set_priority;
    const char *text;
};

struct projector {
    struct arena *arena;
    struct pool_document document;
    const struct source *source;
    struct cooldowns *cooldowns;
    struct diagnostics *diagnostics;
    struct text *changes;
    double now;
    /* one pool at a time */
    const char *name;
    const struct provider *provider;
    struct entry *entries;
    size_t count;
    struct name_table pools; /* of those in the file the last of each name */
    struct slot *slots;      /* in the order in which Hermes shall take them */
    size_t slot_count;
    bool structural;
};

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

static void change(struct projector *p, const char *what, const char *fingerprint, const char *label)
{
    text_printf(p->changes, "auth.json: %s: %s %s (%s)\n", shown_name(p->arena, p->name), what, fingerprint,
                shown_name(p->arena, label));
}

/* --- cooldowns belong to keys --- */

static void remember(struct projector *p, const struct entry_state *state, const char *fingerprint)
{
    struct cooldown cooldown = state_cooldown(state, p->name, fingerprint);
    if (state->active && *fingerprint != '\0')
        cooldowns_put(p->cooldowns, &cooldown);
}

/* Hermes may have written the new key's fingerprint over the old one's status before we looked: then this very marking
 * is remembered of another key. */
static bool marking_of_another_key(const struct projector *p, const struct entry *entry)
{
    for (size_t i = 0; i < p->cooldowns->count; i++) {
        const struct cooldown *known = &p->cooldowns->items[i];
        if (strcmp(known->provider, p->name) == 0 && strcmp(known->fingerprint.text, entry->effective) != 0 &&
            strcmp(known->raw[1], "null") != 0 && strcmp(known->raw[1], entry->state.raw[1]) == 0)
            return true;
    }
    return false;
}

static bool pool_has_oauth(const struct projector *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->entries[i].oauth)
            return true;
    return false;
}

/* April keeps tokens in clear, and a process that was started before the key changed writes its own again and again. Such
 * an entry keeps its key and what that key earned: the new key stands in front of it. Where no entry of ours may stand,
 * it is all that Hermes has, and a cooldown of the old key is in the way. */
static bool left_to_an_old_process(const struct projector *p, const struct entry *entry)
{
    bool another_key = entry->seed != NULL && entry->seed->secret != NULL && entry->token != NULL &&
                       *entry->token != '\0' && strcmp(entry->on_disk, entry->effective) != 0;
    return another_key && !(entry->state.active && pool_has_oauth(p));
}

static bool key_changed(const struct entry *entry)
{
    return entry->seed != NULL && !entry->stale && entry->seed->secret != NULL &&
           strcmp(entry->on_disk, entry->effective) != 0;
}

static void part_states_from_old_keys(struct projector *p)
{
    for (size_t i = 0; i < p->count; i++) {
        struct entry *entry = &p->entries[i];
        entry->stale = left_to_an_old_process(p, entry);
        if (entry->stale)
            strcpy(entry->effective, entry->on_disk);
        if (entry->seed == NULL || entry->seed->secret == NULL || entry->stale)
            continue;
        if (key_changed(entry))
            remember(p, &entry->state, entry->on_disk);
        else if (!entry->state.active || !marking_of_another_key(p, entry))
            continue;
        if (entry->state.active)
            change(p, "cleared a cooldown that another key earned, now", entry->effective, entry->source);
        entry->state = state_clean();
    }
}

/* The latest marking that the pool has of a key, twins taken together; NULL when they are all clean. KNOWN: some entry
 * has held this key before now, so the pool's word counts. */
static const struct entry_state *pool_word(const struct projector *p, const char *fingerprint, bool *ret_known)
{
    const struct entry_state *best = NULL;
    *ret_known = false;
    for (size_t i = 0; i < p->count; i++) {
        const struct entry *entry = &p->entries[i];
        if (strcmp(entry->effective, fingerprint) != 0 || entry->oauth)
            continue;
        *ret_known = *ret_known || (!key_changed(entry) && !entry->stale);
        if (entry->state.active && (best == NULL || entry->state.at > best->at))
            best = &entry->state;
    }
    return best;
}

static struct entry_state state_of_key(struct projector *p, const char *fingerprint)
{
    bool known;
    const struct entry_state *word = pool_word(p, fingerprint, &known);
    if (word != NULL)
        return *word;
    if (known) {
        cooldowns_forget(p->cooldowns, p->name, fingerprint); /* a reset by hand counts */
        return state_clean();
    }
    return state_from(cooldowns_get(p->cooldowns, p->name, fingerprint));
}

/* What the pool says of its keys is what the memory says, a reset by hand included. */
static void note_states(struct projector *p)
{
    for (size_t i = 0; i < p->count; i++) {
        const char *fingerprint = p->entries[i].effective;
        bool known;
        const struct entry_state *word = pool_word(p, fingerprint, &known);
        if (word != NULL)
            remember(p, word, fingerprint);
        else if (known)
            cooldowns_forget(p->cooldowns, p->name, fingerprint);
    }
}

/* --- which keys get an entry of ours --- */

/* Where a key of config.yaml is an Anthropic login, Hermes sets the entry's type by itself, and would do so again. */
static const char *auth_type_of(const struct projector *p, const struct credential *credential)
{
    bool login = strcmp(p->name, "anthropic") == 0 && strncmp(credential->secret, "sk-ant-oat", 10) == 0;
    return login ? "oauth" : "api_key";
}

/* A manual entry of the same key that can serve: it is not doubled. */
static bool has_manual_twin(const struct projector *p, const char *fingerprint)
{
    bool custom = strncmp(p->name, "custom:", 7) == 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct entry *entry = &p->entries[i];
        bool has_url = entry->base_url != NULL && *entry->base_url != '\0';
        if (entry->manual && !entry->ours && strcmp(entry->on_disk, fingerprint) == 0 && (has_url || custom))
            return true;
    }
    return false;
}

static const char *our_source(const struct projector *p, const struct credential *credential)
{
    return arena_printf(p->arena, POOL_OUR_SOURCE "%s", credential->origins[0].key);
}

static bool suppressed(const struct projector *p, const char *source)
{
    const struct json *all = json_member(json_member(p->document.root, "suppressed_sources"), p->name);
    for (size_t i = 0; all != NULL && all->kind == JSON_ARRAY && i < all->count; i++) {
        const char *text = json_string(p->arena, p->document.text, &all->children[i]);
        if (text != NULL && strcmp(text, source) == 0)
            return true;
    }
    return false;
}

/* A person took this key out of the pool: our entry, or the one that Hermes made of it (`config:NAME`). */
static bool taken_out(const struct projector *p, const struct credential *credential)
{
    if (suppressed(p, our_source(p, credential)))
        return true;
    for (size_t i = 0; i < p->provider->seed_count; i++) {
        const struct seed *seed = &p->provider->seeds[i];
        if (seed->secret != NULL && strcmp(seed->secret, credential->secret) == 0 && suppressed(p, seed->source))
            return true;
    }
    return false;
}

static struct entry *our_entry(const struct projector *p, const char *fingerprint)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->entries[i].ours && strcmp(p->entries[i].on_disk, fingerprint) == 0)
            return &p->entries[i];
    return NULL;
}

/* Hermes deletes a dead manual entry after a day, and would do so again with a new one. */
static bool deleted_as_dead(const struct projector *p, const char *fingerprint)
{
    bool known;
    const struct entry_state *word = pool_word(p, fingerprint, &known);
    const struct cooldown *memory = cooldowns_get(p->cooldowns, p->name, fingerprint);
    bool dead = word != NULL ? word->dead : !known && memory != NULL && memory->dead;
    return dead && our_entry(p, fingerprint) == NULL;
}

static bool wanted(const struct projector *p, const struct credential *credential)
{
    const char *fingerprint = credential->fingerprint.text;
    if (credential->rank >= RANK_POOL || taken_out(p, credential) || deleted_as_dead(p, fingerprint))
        return false;
    if (credential->rank == RANK_CONFIG)
        return true;
    if (pool_has_oauth(p) || p->provider->inherits || strcmp(p->name, "copilot") == 0 ||
        strcmp(auth_type_of(p, credential), "oauth") == 0)
        return false;
    return !has_manual_twin(p, fingerprint);
}

static const struct credential *wanted_key(const struct projector *p, const char *fingerprint)
{
    for (size_t i = 0; p->provider != NULL && p->provider->projected && i < p->provider->credential_count; i++) {
        const struct credential *credential = &p->provider->credentials[i];
        if (strcmp(credential->fingerprint.text, fingerprint) == 0)
            return wanted(p, credential) ? credential : NULL;
    }
    return NULL;
}

/* --- order --- */

static void add_slot(struct projector *p, struct slot slot)
{
    p->slots[p->slot_count++] = slot;
}

static void add_ours(struct projector *p, const struct credential *credential)
{
    struct slot slot = {.entry = our_entry(p, credential->fingerprint.text), .credential = credential};
    for (size_t i = 0; i < p->slot_count; i++)
        if (p->slots[i].credential == credential)
            return; /* Hermes may hold two entries of one source */
    slot.state = state_of_key(p, credential->fingerprint.text);
    add_slot(p, slot);
}

/* Hermes puts every manual entry of this provider, and so ours, before those that it seeds. */
static bool manual_first(const struct projector *p)
{
    return strcmp(p->name, "anthropic") == 0;
}

static bool stands_before(const struct projector *p, const struct credential *credential, const struct entry *entry)
{
    if (manual_first(p) && credential->rank == RANK_ENV)
        return !entry->manual && !entry->ours;
    return credential->rank == RANK_ENV && strncmp(entry->source, "env:", 4) == 0 &&
           strcmp(entry->source + 4, credential->origins[0].key) == 0;
}

static bool has_seed_entry(const struct projector *p, const struct credential *credential)
{
    for (size_t i = 0; i < p->count; i++)
        if (stands_before(p, credential, &p->entries[i]))
            return true;
    return false;
}

static void add_foreign(struct projector *p, struct entry *entry)
{
    struct slot slot = {.entry = entry, .state = entry->state};
    for (size_t i = 0; p->provider != NULL && p->provider->projected && i < p->provider->credential_count; i++) {
        const struct credential *credential = &p->provider->credentials[i];
        if (wanted(p, credential) && stands_before(p, credential, entry))
            add_ours(p, credential);
    }
    if (entry->seed != NULL && entry->seed->secret != NULL && !entry->stale && !slot.state.active)
        slot.state = state_of_key(p, entry->effective);
    add_slot(p, slot);
}

/* Those of env files without an entry of Hermes's stay where they are among the foreign ones, or go last. */
static void add_floating(struct projector *p, const size_t *order, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        const struct entry *entry = &p->entries[order[i]];
        const struct credential *credential = entry->ours ? wanted_key(p, entry->on_disk) : NULL;
        if (credential != NULL && credential->rank == RANK_ENV && !has_seed_entry(p, credential) &&
            our_entry(p, entry->on_disk) == entry)
            add_ours(p, credential);
    }
}

static void arrange(struct projector *p)
{
    const size_t *order = entries_sorted(p->arena, p->name, p->entries, p->count);
    size_t credentials = p->provider != NULL && p->provider->projected ? p->provider->credential_count : 0;
    p->slots = arena_alloc(p->arena, (p->count + credentials * 2 + 1) * sizeof *p->slots);
    p->slot_count = 0;
    for (size_t i = 0; i < credentials; i++)
        if (p->provider->credentials[i].rank == RANK_CONFIG && wanted(p, &p->provider->credentials[i]))
            add_ours(p, &p->provider->credentials[i]);
    for (size_t i = 0; i < p->count; i++) {
        add_floating(p, order, i, i + 1);
        if (!p->entries[order[i]].ours)
            add_foreign(p, &p->entries[order[i]]);
    }
    for (size_t i = 0; i < credentials; i++) {
        const struct credential *credential = &p->provider->credentials[i];
        if (credential->rank == RANK_ENV && wanted(p, credential) && !has_seed_entry(p, credential) &&
            our_entry(p, credential->fingerprint.text) == NULL)
            add_ours(p, credential);
    }
}

static bool order_is_ours_to_set(const struct projector *p)
{
    return p->provider == NULL || strcmp(p->provider->strategy, "fill_first") == 0;
}

/* Whether the entries that exist already stand in the order of the slots. */
static bool order_holds(const struct projector *p)
{
    for (size_t i = 1; i < p->slot_count; i++) {
        const struct entry *before = p->slots[i - 1].entry;
        const struct entry *after = p->slots[i].entry;
        if (before == NULL || after == NULL)
            return false;
        if (before->priority > after->priority || (before->priority == after->priority && before > after))
            return false;
    }
    return p->slot_count == 0 || p->slots[0].entry != NULL;
}

static bool is_foreign(const struct slot *slot)
{
    return slot->credential == NULL;
}

/* Priorities for ours between LOW and HIGH, the foreign neighbours (NULL: none on that side). */
static void number_run(struct slot *slots, size_t count, const struct entry *low, const struct entry *high)
{
    for (size_t i = 0; i < count; i++) {
        double place = (double)(i + 1) / (double)(count + 1);
        slots[i].set_priority = true;
        if (low == NULL && high == NULL)
            slots[i].priority = (double)i;
        else if (low == NULL)
            slots[i].priority = floor(high->priority) - (double)(count - i);
        else if (high == NULL)
            slots[i].priority = floor(low->priority) + (double)(i + 1);
        else
            slots[i].priority = low->priority * (1 - place) + high->priority * place;
    }
}

static void number_slots(struct projector *p)
{
    const struct entry *low = NULL;
    for (size_t i = 0; i < p->slot_count;) {
        size_t end = i;
        while (end < p->slot_count && !is_foreign(&p->slots[end]))
            end++;
        number_run(p->slots + i, end - i, low, end < p->slot_count ? p->slots[end].entry : NULL);
        if (end < p->slot_count)
            low = p->slots[end++].entry;
        i = end;
    }
}

/* --- text --- */

static const char *number_text(struct arena *arena, double value)
{
    char text[40];
    if (value == floor(value) && fabs(value) < 1e15)
        return arena_printf(arena, "%.0f", value);
    for (int precision = 1; precision <= 17; precision++) {
        (void)snprintf(text, sizeof text, "%.*g", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return arena_strdup(arena, text);
}

static const char *our_id(const struct projector *p, const struct credential *credential)
{
    struct credential_id id = credential->id;
    for (unsigned attempt = 1;; attempt++) {
        bool taken = false;
        for (size_t i = 0; i < p->count; i++)
            taken =
                taken || (!p->entries[i].ours && p->entries[i].id != NULL && strcmp(p->entries[i].id, id.text) == 0);
        if (!taken)
            return arena_strdup(p->arena, id.text);
        const char *salted = arena_printf(p->arena, "%s %u", credential->secret, attempt);
        id = credential_id_of(p->name, salted, strlen(salted));
    }
}

static const char *new_entry(struct projector *p, const struct slot *slot)
{
    const struct credential *c = slot->credential;
    struct text out = {.arena = p->arena};
    text_printf(&out, "{\n        \"id\": \"%s\",\n        \"label\": %s,\n", our_id(p, c),
                json_quote(p->arena, c->label));
    text_printf(&out, "        \"auth_type\": \"%s\",\n        \"priority\": %s,\n", auth_type_of(p, c),
                number_text(p->arena, slot->priority));
    text_printf(&out, "        \"source\": %s,\n", json_quote(p->arena, our_source(p, c)));
    text_printf(&out, "        \"access_token\": %s,\n", json_quote(p->arena, c->secret));
    for (int i = 0; i < COOLDOWN_MEMBERS; i++)
        text_printf(&out, "        \"%s\": %s,\n", cooldown_members[i], slot->state.raw[i]);
    text_printf(&out, "        \"base_url\": %s,\n        \"request_count\": 0\n      }",
                json_quote(p->arena, p->provider->base_url));
    return out.bytes;
}

struct pending {
    struct entry_edit items[COOLDOWN_MEMBERS + 10];
    size_t count;
};

static void set_member(struct pending *pending, const char *name, const char *raw)
{
    pending->items[pending->count++] = (struct entry_edit){name, raw};
}

static void set_text(struct projector *p, struct pending *pending, const char *name, const char *now, const char *text)
{
    if (now == NULL || strcmp(now, text) != 0)
        set_member(pending, name, json_quote(p->arena, text));
}

static void set_state(struct pending *pending, const struct entry *entry, const struct entry_state *before,
                      const struct entry_state *state)
{
    (void)entry;
    for (int i = 0; i < COOLDOWN_MEMBERS; i++)
        if (strcmp(before->raw[i], state->raw[i]) != 0)
            set_member(pending, cooldown_members[i], state->raw[i]);
}

/* What is to be set in an entry that exists. Foreign ones are touched only when Hermes seeds them from a source. */
static void edit_slot(struct projector *p, struct slot *slot)
{
    struct pending pending = {.count = 0};
    struct entry *entry = slot->entry;
    const struct credential *c = slot->credential;
    struct entry on_disk = entry_read(p->arena, p->document.text, entry->json, p->provider, p->now);
    if (c != NULL) {
        set_text(p, &pending, "id", entry->id, our_id(p, c));
        set_text(p, &pending, "label", entry->label, c->label);
        set_text(p, &pending, "auth_type", entry->auth_type, auth_type_of(p, c));
        if (slot->set_priority && (!entry->has_priority || entry->priority != slot->priority))
            set_member(&pending, "priority", number_text(p->arena, slot->priority));
        set_text(p, &pending, "source", entry->source, our_source(p, c));
        set_text(p, &pending, "base_url", entry->base_url, p->provider->base_url);
        if (slot->state.active && !state_same(&slot->state, &on_disk.state))
            set_state(&pending, entry, &on_disk.state, &slot->state);
    } else if (entry->seed != NULL && entry->seed->secret != NULL) {
        bool cleared = on_disk.state.active && !slot->state.active;
        if (cleared || (slot->state.active && !state_same(&slot->state, &on_disk.state)))
            set_state(&pending, entry, &on_disk.state, &slot->state);
        if (key_changed(entry) && entry->token != NULL && *entry->token != '\0')
            set_text(p, &pending, "access_token", entry->token, entry->seed->secret);
        if (key_changed(entry) && json_member(entry->json, "secret_fingerprint") != NULL)
            set_member(&pending, "secret_fingerprint", json_quote(p->arena, entry->effective));
    }
    slot->text = entry_edited(p->arena, p->document.text, entry->json, pending.items, pending.count);
    if (pending.count > 0 && c != NULL)
        change(p, "mended", c->fingerprint.text, c->label);
    else if (pending.count > 0)
        change(p, "brought up to date", entry->effective, entry->source);
}

static void add_edit(struct projector *p, struct edits *edits, size_t start, size_t end, const char *text)
{
    void *items = edits->items;
    arena_grow(p->arena, &items, &edits->capacity, edits->count + 1, sizeof(struct edit));
    edits->items = items;
    edits->items[edits->count++] = (struct edit){start, end, text};
}

static const struct slot *slot_of(const struct projector *p, const struct entry *entry)
{
    for (size_t i = 0; i < p->slot_count; i++)
        if (p->slots[i].entry == entry)
            return &p->slots[i];
    return NULL;
}

static void put_item(struct text *out, const char *text)
{
    text_puts(out, out->bytes[out->len - 1] == '[' ? "\n      " : ",\n      ");
    text_puts(out, text);
}

/* The array anew: ours at the front or directly before the entry that they precede, foreign ones as they stand. */
static const char *array_text(struct projector *p)
{
    struct text out = {.arena = p->arena};
    const struct entry *last_foreign = NULL;
    text_putc(&out, '[');
    size_t next = 0;
    for (; next < p->slot_count && !is_foreign(&p->slots[next]); next++)
        put_item(&out, p->slots[next].text);
    for (size_t i = 0; i < p->count; i++) {
        if (p->entries[i].ours)
            continue;
        const struct slot *slot = slot_of(p, &p->entries[i]);
        size_t first = (size_t)(slot - p->slots);
        while (first > next && !is_foreign(&p->slots[first - 1]))
            first--;
        for (; first < (size_t)(slot - p->slots) && first >= next; first++)
            put_item(&out, p->slots[first].text);
        put_item(&out, slot->text);
        last_foreign = &p->entries[i];
    }
    size_t tail = p->slot_count;
    while (tail > next && !is_foreign(&p->slots[tail - 1]))
        tail--;
    for (; tail < p->slot_count && last_foreign != NULL; tail++)
        put_item(&out, p->slots[tail].text);
    text_puts(&out, out.len > 1 ? "\n    ]" : "]");
    return out.bytes;
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
        if (wanted(p, &p->provider->credentials[i]))
            return true;
    return false;
}

static void write_slots(struct projector *p)
{
    for (size_t i = 0; i < p->slot_count; i++) {
        struct slot *slot = &p->slots[i];
        if (slot->entry != NULL) {
            edit_slot(p, slot);
        } else {
            slot->text = new_entry(p, slot);
            change(p, "added", slot->credential->fingerprint.text, slot->credential->label);
            p->structural = true;
        }
        const char *key = slot->credential != NULL ? slot->credential->fingerprint.text : slot->entry->effective;
        if (slot->entry == NULL || !slot->entry->oauth)
            remember(p, &slot->state, key);
    }
}

static void drop_stale(struct projector *p)
{
    for (size_t i = 0; i < p->count; i++) {
        struct entry *entry = &p->entries[i];
        if (!entry->ours || slot_of(p, entry) != NULL)
            continue;
        remember(p, &entry->state, entry->on_disk);
        change(p, "removed", entry->on_disk, entry->source + strlen(POOL_OUR_SOURCE));
        p->structural = true;
    }
}

/* NULL: nothing to do with this pool. */
static const char *project_pool(struct projector *p, const struct json *array)
{
    p->structural = false;
    if (somebody_elses(p, array) || !read_entries(p, array))
        return NULL;
    part_states_from_old_keys(p);
    note_states(p);
    if (!concerns_us(p))
        return NULL;
    arrange(p);
    if (!order_holds(p)) {
        number_slots(p);
        p->structural = p->structural || order_is_ours_to_set(p);
        for (size_t i = 0; i < p->slot_count; i++)
            if (p->slots[i].entry != NULL && !order_is_ours_to_set(p))
                p->slots[i].set_priority = false;
    }
    size_t before = p->changes->len;
    drop_stale(p);
    write_slots(p);
    if (p->changes->len == before)
        return NULL;
    return array_text(p);
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
