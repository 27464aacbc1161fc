#include "pool_text.h"

#include <string.h>

#include "json_python.h"
#include "pool_clearing.h"
#include "pool_order.h"
#include "pool_states.h"
#include "pool_wanted.h"
#include "source.h"

static struct credential_id our_id(const struct projector *p, const struct credential *credential)
{
    struct credential_id id = credential->id;
    for (unsigned attempt = 1;; attempt++) {
        bool taken = false;
        for (size_t i = 0; !taken && i < p->count; i++)
            taken = !p->entries[i].ours && p->entries[i].id != NULL && strcmp(p->entries[i].id, id.text) == 0;
        if (!taken)
            return id;
        const char *salted = arena_printf(p->arena, "%s %u", credential->secret, attempt);
        id = fingerprint_credential_id(p->name, salted, strlen(salted));
    }
}

static void put_member(struct text *out, const char *name, const char *value)
{
    text_printf(out, "        \"%s\": ", name);
    json_python_put(out, value);
    text_puts(out, ",\n");
}

void pool_text_begin_slot(struct projector *p, struct slot *slot)
{
    const struct entry_state *state = slot->entry != NULL ? &slot->entry->on_disk_state : &slot->state;
    slot->left_status = state->raw[COOLDOWN_STATUS];
    slot->left_status_at = state->raw[COOLDOWN_STATUS_AT];
    if (slot->entry == NULL)
        slot->id = arena_strdup(p->arena, our_id(p, slot->credential).text);
}

static bool is_read_at_start(const struct projector *p, const struct credential *credential)
{
    for (size_t i = 0; credential->rank == RANK_ENV && i < p->provider->seed_count; i++) {
        const struct seed *seed = &p->provider->seeds[i];
        if (!seed->each_load && seed->secret != NULL && strcmp(seed->secret, credential->secret) == 0)
            return true;
    }
    return false;
}

/* The one provider over whose entries Hermes does not put model.base_url. */
static bool goes_where_seeded(const struct projector *p, const struct credential *credential)
{
    return credential->rank == RANK_ENV && strcmp(p->provider->id, "openrouter") == 0;
}

/* One that a Hermes which starts now has twice has the URL of that one's own, over which Hermes puts model.base_url. */
static const char *url_of(const struct projector *p, const struct credential *credential)
{
    bool seeded = is_read_at_start(p, credential) || goes_where_seeded(p, credential);
    if (p->provider->seeded_url != NULL && credential->base_url == NULL && seeded)
        return p->provider->seeded_url;
    return provider_credential_url(p->provider, credential);
}

static void put_new_entry(struct projector *p, const struct slot *slot, struct text *out)
{
    const struct credential *c = slot->credential;
    const struct seed *made = slot->made;
    const char *url = made != NULL ? provider_credential_url(p->provider, c) : url_of(p, c);
    text_puts(out, "{\n");
    put_member(out, "id", slot->id);
    put_member(out, "label", made != NULL ? made->name : c->label);
    put_member(out, "auth_type", pool_wanted_auth_type(p, c));
    text_printf(out, "        \"priority\": %s,\n", json_python_number(p->arena, slot->priority));
    put_member(out, "source",
               made != NULL ? arena_printf(p->arena, "%s%s", made->kind, made->name) : pool_wanted_source(p, c));
    put_member(out, "access_token", c->secret);
    for (int i = 0; i < COOLDOWN_MEMBERS; i++)
        text_printf(out, "        \"%s\": %s,\n", cooldown_members[i], slot->state.raw[i]);
    if (made != NULL && strcmp(made->kind, "env:") == 0)
        text_printf(out, "        \"base_url\": %s\n      }", json_python_quote(p->arena, url));
    else
        text_printf(out, "        \"base_url\": %s,\n        \"request_count\": 0\n      }",
                    json_python_quote(p->arena, url));
}

struct pending {
    struct entry_edit items[POOL_CLEARING_EDITS + COOLDOWN_MEMBERS + 8];
    size_t count;
};

static void set_member(struct pending *pending, const char *name, const char *raw)
{
    size_t at = 0;
    while (at < pending->count && strcmp(pending->items[at].name, name) != 0)
        at++;
    pending->items[at] = (struct entry_edit){name, raw};
    pending->count += at == pending->count;
}

static void set_text(struct projector *p, struct pending *pending, const char *name, const char *now, const char *text)
{
    if (now == NULL || strcmp(now, text) != 0)
        set_member(pending, name, json_python_quote(p->arena, text));
}

static void set_state(struct pending *pending, const struct entry_state *before, const struct entry_state *state)
{
    for (int i = 0; i < COOLDOWN_MEMBERS; i++)
        if (strcmp(before->raw[i], state->raw[i]) != 0)
            set_member(pending, cooldown_members[i], state->raw[i]);
}

/* Hermes has not loaded it yet: it has the key in it that it was made with. */
static bool renewed(const struct projector *p, const struct entry *entry)
{
    return pool_states_key_changed(entry) && entry->token != NULL && *entry->token != '\0' &&
           pool_projector_made(p, entry);
}

static struct credential_id id_of(const struct projector *p, const char *secret)
{
    return fingerprint_credential_id(p->name, secret, strlen(secret));
}

/* Of an entry that Hermes seeds only what its key was answered with, which it may have got from another key. */
static void edit_seeded(struct projector *p, struct slot *slot, struct pending *pending)
{
    const struct entry *entry = slot->entry;
    const struct entry_state *before = &entry->on_disk_state;
    bool changed = pool_states_key_changed(entry);
    bool others = entry->parted && (entry_state_marked(before) || entry->held_back);
    bool told = slot->state.active && !entry_state_same(&slot->state, before);
    if (others || (before->active && !slot->state.active))
        pending->count = pool_clearing(p->arena, p->document.text, entry, p->now, pending->items);
    if (told)
        set_state(pending, before, &slot->state);
    if (pending->count > 0) {
        slot->left_status = slot->state.active ? slot->state.raw[COOLDOWN_STATUS] : "null";
        slot->left_status_at = slot->state.active ? slot->state.raw[COOLDOWN_STATUS_AT] : "null";
    }
    bool in_clear = entry->token != NULL && *entry->token != '\0';
    if (!changed || (pending->count == 0 && !renewed(p, entry)))
        return; /* Hermes names the key itself, at its next load */
    if (entry->made)
        set_text(p, pending, "id", entry->id, id_of(p, entry->seed->secret).text);
    if (in_clear)
        set_text(p, pending, "access_token", entry->token, entry->seed->secret);
    if (entry->has_fingerprint)
        set_member(pending, "secret_fingerprint", json_python_quote(p->arena, entry->effective));
}

/* What is to be set in an entry that exists. Foreign ones are touched only when Hermes seeds them from a source. */
void pool_text_edit_slot(struct projector *p, struct slot *slot)
{
    struct pending pending = {.count = 0};
    struct entry *entry = slot->entry;
    const struct credential *c = slot->credential;
    const struct entry_state *before = &entry->on_disk_state;
    if (c != NULL) {
        if (entry->parted)
            pending.count = pool_clearing(p->arena, p->document.text, entry, p->now, pending.items);
        set_text(p, &pending, "id", entry->id, our_id(p, c).text);
        set_text(p, &pending, "label", entry->label, c->label);
        set_text(p, &pending, "auth_type", entry->auth_type, pool_wanted_auth_type(p, c));
        if (slot->set_priority && (!entry->has_priority || entry->priority != slot->priority))
            set_member(&pending, "priority", json_python_number(p->arena, slot->priority));
        set_text(p, &pending, "source", entry->source, pool_wanted_source(p, c));
        set_text(p, &pending, "base_url", entry->base_url, url_of(p, c));
        if (slot->state.active && !entry_state_same(&slot->state, before))
            set_state(&pending, before, &slot->state);
    } else if (entry->seed != NULL && entry->seed->secret != NULL) {
        edit_seeded(p, slot, &pending);
    }
    if (slot->moved && slot->set_priority && entry->priority != slot->priority)
        set_member(&pending, "priority", json_python_number(p->arena, slot->priority));
    if (pending.count == 0)
        return;
    slot->text = pool_entry_edited(p->arena, p->document.text, entry->json, pending.items, pending.count);
    if (c != NULL)
        pool_projector_note_change(p, "mended", c->fingerprint.text, c->label);
    else
        pool_projector_note_change(p, renewed(p, entry) ? "renewed" : "brought up to date", entry->effective,
                                   entry->source);
}

static void put_slot(struct projector *p, const struct slot *slot, struct text *out)
{
    text_puts(out, out->bytes[out->len - 1] == '[' ? "\n      " : ",\n      ");
    const struct json *stands = slot->entry == NULL ? NULL : slot->entry->json;
    if (stands == NULL)
        put_new_entry(p, slot, out);
    else if (slot->text != NULL)
        text_puts(out, slot->text);
    else
        text_append(out, p->document.text + stands->start, stands->end - stands->start);
}

/* The list anew: ours at the front or directly before the entry that they precede, foreign ones as they stand. */
void pool_text_put_array(struct projector *p, struct text *out)
{
    const struct entry *last_foreign = NULL;
    text_putc(out, '[');
    size_t next = 0;
    for (; next < p->slot_count && !pool_order_is_foreign(&p->slots[next]); next++)
        put_slot(p, &p->slots[next], out);
    for (size_t i = 0; i < p->count; i++) {
        if (p->entries[i].ours)
            continue;
        const struct slot *slot = p->entries[i].slot;
        size_t first = (size_t)(slot - p->slots);
        while (first > next && !pool_order_is_foreign(&p->slots[first - 1]))
            first--;
        for (; first < (size_t)(slot - p->slots) && first >= next; first++)
            put_slot(p, &p->slots[first], out);
        put_slot(p, slot, out);
        last_foreign = &p->entries[i];
    }
    size_t tail = p->slot_count;
    while (tail > next && !pool_order_is_foreign(&p->slots[tail - 1]))
        tail--;
    for (; tail < p->slot_count && last_foreign != NULL; tail++)
        put_slot(p, &p->slots[tail], out);
    text_puts(out, out->bytes[out->len - 1] != '[' ? "\n    ]" : "]");
}
