#include "map_edit.h"

#include <string.h>

struct node *map_edit_copy_node(struct arena *arena, const struct node *node)
{
    struct node *copy = arena_alloc(arena, sizeof *copy);
    *copy = *node;
    return copy;
}

struct node *map_edit_new(struct arena *arena, struct place place, size_t room)
{
    struct node *map = arena_alloc(arena, sizeof *map);
    *map = (struct node){.kind = NODE_MAP, .place = place};
    map->pairs = arena_alloc(arena, room * sizeof *map->pairs);
    return map;
}

static struct node *new_key(struct arena *arena, const char *text)
{
    struct node *key = arena_alloc(arena, sizeof *key);
    *key = (struct node){.kind = NODE_STRING, .plain = true};
    key->text = text;
    key->len = strlen(text);
    return key;
}

struct pair *map_edit_find(struct node *map, const char *key)
{
    for (size_t i = 0; i < map->pair_count; i++)
        if (node_string(map->pairs[i].key) != NULL && strcmp(node_string(map->pairs[i].key), key) == 0)
            return &map->pairs[i];
    return NULL;
}

struct pair map_edit_take(struct node *map, const char *key)
{
    struct pair *found = map_edit_find(map, key);
    if (found == NULL)
        return (struct pair){0};
    struct pair taken = *found;
    size_t index = (size_t)(found - map->pairs);
    memmove(found, found + 1, (map->pair_count - index - 1) * sizeof *found);
    map->pair_count--;
    return taken;
}

/* MAP has room for one more: new_map was asked for it. */
void map_edit_put(struct arena *arena, struct node *map, const char *key, struct pair pair)
{
    struct pair *found = map_edit_find(map, key);
    struct node *name = new_key(arena, key);
    name->place = pair.key == NULL ? pair.value->place : pair.key->place;
    if (found != NULL)
        found->value = pair.value;
    else
        map->pairs[map->pair_count++] = (struct pair){name, pair.value};
}

struct node *map_edit_copy(struct arena *arena, const struct node *map, struct place place)
{
    size_t count = node_is(map, NODE_MAP) ? map->pair_count : 0;
    struct node *copy = map_edit_new(arena, place, count + 8);
    if (count > 0)
        memcpy(copy->pairs, map->pairs, count * sizeof *copy->pairs);
    copy->pair_count = count;
    return copy;
}
