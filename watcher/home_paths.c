#include "home_paths.h"

#include <stdlib.h>
#include <string.h>

#include "snapshot_format.h"

static bool knows(const struct home_paths *paths, const char *path)
{
    for (size_t i = 0; i < paths->count; i++)
        if (strcmp(path, paths->items[i]) == 0)
            return true;
    return false;
}

static void remember(struct home_paths *paths, const char *const *items, size_t count)
{
    bool same = count == paths->count;
    for (size_t i = 0; same && i < count; i++)
        same = knows(paths, items[i]);
    if (same)
        return;
    home_paths_finish(paths);
    paths->other = true;
    for (size_t i = 0; i < count; i++) {
        char *copy = strdup(items[i]);
        if (copy != NULL)
            paths->items[paths->count++] = copy;
    }
}

void home_paths_begin(struct home_paths *paths, const char *home, const char *managed)
{
    static const char *const names[] = {"config.yaml", ".env", "auth.json", SNAPSHOT_FILE};
    struct arena *arena = arena_create();
    const char *items[sizeof names / sizeof *names + 2];
    size_t count = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        items[count++] = arena_printf(arena, "%s/%s", home, names[i]);
    for (size_t i = 0; i < 2; i++)
        items[count++] = arena_printf(arena, "%s/%s", managed, names[i]);
    remember(paths, items, count);
    arena_destroy(arena);
}

void home_paths_learn(struct home_paths *paths, const char *home, const struct compilation *c)
{
    const char *items[SOURCES_MOST + 2];
    size_t count = 0;
    if (c->sources.count < 5)
        return; /* it never came to reading */
    for (size_t i = 0; i < c->sources.count; i++)
        items[count++] = c->sources.items[i]->path;
    items[count++] = arena_printf(c->arena, "%s/" SNAPSHOT_FILE, home);
    remember(paths, items, count);
}

long long home_paths_size(const struct home_paths *paths)
{
    long long size = 0;
    struct stat st;
    for (size_t i = 0; i < paths->count; i++)
        size += stat(paths->items[i], &st) == 0 ? st.st_size : 0;
    return size;
}

void home_paths_finish(struct home_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->items[i]);
    paths->count = 0;
}
