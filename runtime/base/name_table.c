#include "name_table.h"

#include <string.h>

#include "arena.h"

/* FNV-1a */
static uint32_t hash_of(const char *name)
{
    uint64_t hash = 1469598103934665603u;
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    return (uint32_t)(hash ^ hash >> 31);
}

/* The slot that holds NAME, or the free one where it belongs. There is always a free one. */
static struct name_slot *slot_for(const struct name_table *table, const char *name, uint32_t hash)
{
    size_t at = hash & (table->size - 1);
    while (table->slots[at].name != NULL && (table->slots[at].hash != hash || strcmp(table->slots[at].name, name) != 0))
        at = (at + 1) & (table->size - 1);
    return &table->slots[at];
}

const uint32_t *name_table_get(const struct name_table *table, const char *name)
{
    struct name_slot *slot = table->size == 0 ? NULL : slot_for(table, name, hash_of(name));
    return slot == NULL || slot->name == NULL ? NULL : &slot->number;
}

static void grow(struct arena *arena, struct name_table *table)
{
    struct name_table old = *table;
    table->size = old.size == 0 ? 32 : old.size * 2;
    table->slots = arena_alloc(arena, table->size * sizeof *table->slots);
    for (size_t i = 0; i < old.size; i++)
        if (old.slots[i].name != NULL)
            *slot_for(table, old.slots[i].name, old.slots[i].hash) = old.slots[i];
    arena_give_back(arena, old.slots, old.size * sizeof *old.slots);
}

void name_table_put(struct arena *arena, struct name_table *table, const char *name, size_t number)
{
    uint32_t hash = hash_of(name);
    if (table->count * 4 >= table->size * 3)
        grow(arena, table);
    struct name_slot *slot = slot_for(table, name, hash);
    table->count += slot->name == NULL;
    *slot = (struct name_slot){name, (uint32_t)number, hash};
}
