#include "lock_holder.h"

#include <string.h>
#include <sys/types.h>

#include "arena.h"
#include "file_lock.h"
#include "shown.h"

/* The name of its program; its arguments are nobody's to show. */
static const char *command_of(struct arena *arena, pid_t process)
{
    char name[32] = "?";
    FILE *file = fopen(arena_printf(arena, "/proc/%ld/comm", (long)process), "re");
    if (file != NULL && fgets(name, sizeof name, file) != NULL)
        name[strcspn(name, "\n")] = '\0';
    if (file != NULL)
        (void)fclose(file);
    return shown_name(arena, arena_strdup(arena, name));
}

void lock_holder_note(struct diagnostics *list, struct diagnostic *d, const char *path)
{
    pid_t holder = file_lock_holder(path);
    if (holder > 0)
        diagnostic_note(list, d, "process %ld (%s) holds it", (long)holder, command_of(list->arena, holder));
}
