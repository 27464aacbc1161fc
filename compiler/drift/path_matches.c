#include "path_matches.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

struct matching {
    struct arena *arena;
    struct path_matches found;
    size_t capacity;
};

static void add(struct matching *m, const char *path)
{
    ARENA_GROW(m->arena, m->found.items, m->capacity, m->found.count + 1);
    m->found.items[m->found.count++] = path;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct path_matches path_matches(struct arena *arena, const char *pattern)
{
    struct matching m = {.arena = arena};
    struct memory_hold hold;
    const char *last = strrchr(pattern, '/') + 1;
    if (strchr(last, '*') == NULL) {
        add(&m, pattern);
        return m.found;
    }
    const char *path = arena_strndup(arena, pattern, (size_t)(last - pattern));
    DIR *folder = opendir(path);
    if (folder == NULL)
        return m.found;
    memory_hold_folder(&hold, folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (fnmatch(last, entry->d_name, FNM_PERIOD) == 0)
            add(&m, arena_printf(arena, "%s%s", path, entry->d_name));
    memory_give_back(&hold);
    if (m.found.count > 1)
        qsort(m.found.items, m.found.count, sizeof *m.found.items, compare);
    return m.found;
}
