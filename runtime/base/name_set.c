#include "name_set.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"

static struct name_set_item *find(const struct name_set *set, const char *name)
{
    const uint32_t *at = name_table_get(&set->index, name);
    return at == NULL ? NULL : &set->items[*at];
}

static struct name_set_item *next_of(const struct name_set *set, uint32_t next)
{
    return next == 0 ? NULL : &set->items[next - 1];
}

static struct name_set_item *newest_of(const struct name_set *set, const char *group)
{
    const uint32_t *at = name_table_get(&set->groups, group);
    return at == NULL ? NULL : &set->items[*at];
}

bool name_set_has(const struct name_set *set, const char *name)
{
    const struct name_set_item *item = find(set, name);
    return item != NULL && item->there;
}

static const char *group_of(struct arena *arena, const struct name_set *set, const char *name)
{
    const char *blank = strrchr(name, ' ');
    const char *group = blank == NULL ? "" : arena_prefix(arena, name, (size_t)(blank - name));
    const struct name_set_item *known = newest_of(set, group);
    return known == NULL ? group : known->group;
}

static void add_new(struct arena *arena, struct name_set *set, const char *name)
{
    const char *group = group_of(arena, set, name);
    const struct name_set_item *newest = newest_of(set, group);
    const uint32_t next = newest == NULL ? 0 : (uint32_t)(newest - set->items) + 1;
    ARENA_GROW(arena, set->items, set->capacity, set->all + 1);
    set->items[set->all] = (struct name_set_item){.name = name, .group = group, .next = next};
    name_table_put(arena, &set->index, name, set->all);
    name_table_put(arena, &set->groups, group, set->all);
    set->all++;
}

void name_set_add(struct arena *arena, struct name_set *set, const char *name)
{
    if (find(set, name) == NULL)
        add_new(arena, set, name);
    struct name_set_item *item = find(set, name);
    set->count += !item->there;
    item->there = true;
}

static void take_out(struct name_set *set, struct name_set_item *item)
{
    set->count -= item->there;
    item->there = false;
}

void name_set_remove(struct name_set *set, const char *name)
{
    struct name_set_item *item = find(set, name);
    if (item != NULL)
        take_out(set, item);
}

void name_set_remove_group(struct name_set *set, const char *group)
{
    for (struct name_set_item *item = newest_of(set, group); item != NULL; item = next_of(set, item->next))
        take_out(set, item);
}

const char *name_set_of_group(const struct name_set *set, const char *group)
{
    const struct name_set_item *item = newest_of(set, group);
    while (item != NULL && !item->there)
        item = next_of(set, item->next);
    return item == NULL ? NULL : item->name;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **name_set_sorted(struct arena *arena, const struct name_set *set)
{
    const char **sorted = arena_alloc(arena, set->count * sizeof *sorted);
    size_t count = 0;
    for (size_t i = 0; i < set->all; i++)
        if (set->items[i].there)
            sorted[count++] = set->items[i].name;
    if (count > 1)
        qsort(sorted, count, sizeof *sorted, compare);
    return sorted;
}
