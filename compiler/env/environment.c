#include "environment.h"

#include "arena.h"

struct binding *environment_get(const struct environment *environment, const char *name)
{
    const uint32_t *index = name_table_get(&environment->names, name);
    return index == NULL ? NULL : &environment->items[*index];
}

void environment_add(struct arena *arena, struct environment *environment, struct binding binding)
{
    ARENA_GROW(arena, environment->items, environment->capacity, environment->count + 1);
    name_table_put(arena, &environment->names, binding.name, environment->count);
    environment->items[environment->count++] = binding;
}

static struct binding *kept(struct arena *arena, struct binding binding)
{
    struct binding *copy = arena_alloc(arena, sizeof *copy);
    *copy = binding;
    return copy;
}

void environment_cover(struct arena *arena, struct binding *bound, struct binding binding)
{
    binding.hidden = kept(arena, *bound);
    *bound = binding;
}

void environment_hide(struct arena *arena, struct environment *environment, struct binding binding)
{
    struct binding *last = environment_get(environment, binding.name);
    while (last->hidden != NULL)
        last = last->hidden;
    last->hidden = kept(arena, binding);
}
