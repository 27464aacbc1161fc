#include "commons.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "journal.h"

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

void commons_say_unlocked(struct commons *commons)
{
    char text[200];
    if (commons->said_unlocked || arena_unlocked() == 0)
        return;
    commons->said_unlocked = true;
    (void)snprintf(text, sizeof text,
                   "memory that holds keys cannot be locked (%s) and may be written to swap: raise the limit of locked "
                   "memory (ulimit -l, LimitMEMLOCK=)",
                   strerror(arena_unlocked()));
    journal_write(&(struct journal_entry){.priority = LOG_WARNING, .message = text});
}
