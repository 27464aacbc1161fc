#include "plugin_folders.h"

#include <dirent.h>
#include <stddef.h>

#include "memory.h"

/* More than anybody has; a folder of a million must not be read at each edit. */
enum { MOST_PLUGINS = 256 };

const char *const *plugin_folders(struct arena *arena, const char *home)
{
    DIR *folder = opendir(arena_printf(arena, "%s/plugins/model-providers", home));
    const char **names = NULL;
    size_t count = 0;
    struct memory_hold hold;
    if (folder == NULL)
        return NULL;
    memory_hold_folder(&hold, folder);
    for (const struct dirent *entry; count < MOST_PLUGINS && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.' || entry->d_name[0] == '_')
            continue;
        if (names == NULL)
            names = arena_alloc(arena, (MOST_PLUGINS + 1) * sizeof *names);
        names[count++] = arena_strdup(arena, entry->d_name);
    }
    memory_give_back(&hold);
    return names;
}
