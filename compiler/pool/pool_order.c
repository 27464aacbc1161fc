#include "pool_order.h"

#include <math.h>
#include <string.h>

#include "pool_states.h"
#include "pool_view.h"
#include "pool_wanted.h"
#include "source.h"

static void add_slot(struct projector *p, struct slot slot)
{
    if (slot.entry != NULL && slot.entry->slot == NULL)
        slot.entry->slot = &p->slots[p->slot_count];
    p->slots[p->slot_count++] = slot;
}

static void add_ours(struct projector *p, const struct credential *credential)
{
    struct slot slot = {.entry = pool_wanted_entry(p, credential->fingerprint.text), .credential = credential};
    if (slot.entry != NULL && slot.entry->slot != NULL)
        return; /* Hermes may hold two entries of one source */
    for (size_t i = 0; slot.entry == NULL && i < p->slot_count; i++)
        if (p->slots[i].credential == credential)
            return;
    slot.state = pool_states_of_key(p, credential->fingerprint.text);
    add_slot(p, slot);
}

static bool stands_before(const struct projector *p, const struct credential *credential, const struct entry *entry)
{
    if (pool_view_manual_first(p->name) && credential->rank == RANK_ENV)
        return !entry->manual && !entry->ours;
    bool variable = credential->rank == RANK_ENV && strncmp(entry->source, "env:", 4) == 0;
    for (size_t i = 0; variable && i < credential->origin_count; i++)
        if (strcmp(entry->source + 4, credential->origins[i].key) == 0)
            return true;
    return false;
}

static bool has_seed_entry(const struct projector *p, const struct credential *credential)
{
    for (size_t i = 0; i < p->seeded_count; i++)
        if (stands_before(p, credential, p->seeded[i]))
            return true;
    return false;
}

static void add_foreign(struct projector *p, struct entry *entry, bool moved)
{
    struct slot slot = {.entry = entry, .state = entry->state, .moved = moved};
    if (entry->slot != NULL)
        return;
    for (size_t i = 0; !entry->manual && !moved && i < p->wanted_count; i++)
        if (p->wanted[i].carrier == NULL && p->wanted[i].made == NULL &&
            stands_before(p, p->wanted[i].credential, entry))
            add_ours(p, p->wanted[i].credential);
    if (entry->seed != NULL && entry->seed->secret != NULL && !entry->stale && !slot.state.active)
        slot.state = pool_states_of_key(p, entry->effective);
    add_slot(p, slot);
}

/* An entry of the key was there, and somebody has taken it away, with what it had earned: Hermes would begin anew. */
static bool was_reset(const struct projector *p, const char *fingerprint)
{
    const struct cooldown *memory = cooldowns_get(p->cooldowns, p->name, fingerprint);
    return memory != NULL && memory->pooled && pool_states_word_of(p, fingerprint) == NULL;
}

static void add_made(struct projector *p, const struct want *want)
{
    const char *fingerprint = want->credential->fingerprint.text;
    if (was_reset(p, fingerprint))
        cooldowns_forget(p->cooldowns, p->name, fingerprint);
    add_slot(p, (struct slot){
                    .credential = want->credential, .made = want->made, .state = pool_states_of_key(p, fingerprint)});
}

static void add_wanted(struct projector *p, const struct want *want)
{
    if (want->carrier != NULL)
        add_foreign(p, want->carrier, true);
    else if (want->made != NULL)
        add_made(p, want);
    else
        add_ours(p, want->credential);
}

/* Where Hermes has its own entry, or puts one, of a key that config.yaml has, it is to stand before the others. */
static bool goes_first(const struct want *want)
{
    bool custom = want->made != NULL && strcmp(want->made->kind, "env:") != 0;
    return want->carrier != NULL || custom || credential_written_out(want->credential);
}

void pool_order_arrange(struct projector *p)
{
    const size_t *order = pool_document_sorted(p->arena, p->name, p->entries, p->count);
    ARENA_GROW(p->arena, p->slots, p->slot_capacity, p->count + p->wanted_count * 2 + 1);
    p->slot_count = 0;
    for (size_t i = 0; i < p->wanted_count; i++)
        if (goes_first(&p->wanted[i]))
            add_wanted(p, &p->wanted[i]);
    for (size_t i = 0; i < p->count; i++)
        if (!p->entries[order[i]].ours)
            add_foreign(p, &p->entries[order[i]], false);
    for (size_t i = 0; i < p->wanted_count; i++)
        if (!goes_first(&p->wanted[i]) && (p->wanted[i].made != NULL || !has_seed_entry(p, p->wanted[i].credential)))
            add_wanted(p, &p->wanted[i]); /* Hermes, too, would put it last */
}

/* Whether the entries that exist already stand in the order of the slots. One of ours whose priority somebody made no
 * number does not stand anywhere: Hermes cannot sort such a pool. */
bool pool_order_holds(const struct projector *p)
{
    for (size_t i = 0; i < p->slot_count; i++)
        if (p->slots[i].entry != NULL && !p->slots[i].entry->has_priority)
            return false;
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

bool pool_order_is_foreign(const struct slot *slot)
{
    return slot->credential == NULL;
}

static bool stays(const struct slot *slot)
{
    return pool_order_is_foreign(slot) && !slot->moved;
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

/* What an entry of ours must stand before, or NULL: where Hermes puts the manual ones first, the others' numbers are
 * none to reckon with. */
static const struct entry *neighbour_behind(const struct projector *p, size_t index)
{
    const struct entry *entry = index < p->slot_count ? p->slots[index].entry : NULL;
    return entry == NULL || (pool_view_manual_first(p->name) && !entry->manual) ? NULL : entry;
}

void pool_order_number(struct projector *p)
{
    const struct entry *low = NULL;
    for (size_t i = 0; i < p->slot_count;) {
        size_t end = i;
        while (end < p->slot_count && !stays(&p->slots[end]))
            end++;
        number_run(p->slots + i, end - i, low, neighbour_behind(p, end));
        if (end < p->slot_count)
            low = p->slots[end++].entry;
        i = end;
    }
}
