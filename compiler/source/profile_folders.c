#include "profile_folders.h"

#include <dirent.h>
#include <stddef.h>

#include "arena.h"

bool profile_folders_any(struct arena *arena, const char *home)
{
    DIR *folder = opendir(arena_printf(arena, "%s/profiles", home));
    bool any = false;
    for (const struct dirent *entry; folder != NULL && !any && (entry = readdir(folder)) != NULL;)
        any = entry->d_name[0] != '.';
    if (folder != NULL)
        (void)closedir(folder);
    return any;
}
