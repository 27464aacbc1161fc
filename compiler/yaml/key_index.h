/* Finds keys of a map by their value, as a Python dict does: 1, 1.0 and true are one key. */
#ifndef HERMES_KEY_INDEX_H
#define HERMES_KEY_INDEX_H

#include "arena.h"
#include "must_check.h"
#include "node.h"

/* Belongs to one map, whose pairs are added through it. The caller's to read: nothing. */
struct key_index {
    uint32_t *slots; /* NULL: the map is small, and is looked through */
    size_t size;
    size_t free_slot; /* where the last search ended */
};

/* For a map that will have at most ROOM pairs and has none yet. */
struct key_index key_index_create(struct arena *arena, size_t room);
/* NULL when KEY, which is no collection, is not in MAP. */
struct pair *key_index_find(struct key_index *index, const struct node *map, const struct node *key) MUST_CHECK;
/* PAIR, whose key was just not found, becomes the last of MAP, which has room for it. */
void key_index_append(struct key_index *index, struct node *map, struct pair pair);

#endif
