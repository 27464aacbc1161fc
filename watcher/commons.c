#include "commons.h"

struct arena *commons_take_arena(struct commons *commons)
{
    struct arena *arena = commons->arena != NULL ? commons->arena : arena_create();
    commons->arena = NULL;
    return arena;
}

void commons_give_arena(struct commons *commons, struct arena *arena)
{
    if (commons->arena == NULL) {
        arena_clear(arena);
        commons->arena = arena;
    } else {
        arena_destroy(arena);
    }
}
