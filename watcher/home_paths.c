#include "home_paths.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "snapshot_format.h"

bool home_paths_has(const struct home_paths *paths, const char *path)
{
    for (size_t i = 0; i < paths->count; i++)
        if (strcmp(path, paths->items[i]) == 0)
            return true;
    return false;
}

/* False: there is no memory for all of them; those that are watched stay. */
static bool remember(struct home_paths *paths, const char *const *items, size_t count)
{
    bool same = count == paths->count;
    for (size_t i = 0; same && i < count; i++)
        same = home_paths_has(paths, items[i]);
    if (same)
        return true;
    struct home_paths now = {.other = true};
    while (now.count < count && (now.items[now.count] = strdup(items[now.count])) != NULL)
        now.count++;
    const bool whole = now.count == count;
    home_paths_finish(whole ? paths : &now);
    if (whole)
        *paths = now;
    return whole;
}

bool home_paths_begin(struct home_paths *paths, const char *home, const char *managed)
{
    static const char *const names[] = {"config.yaml", ".env", "auth.json", SNAPSHOT_FILE, ".op.env"};
    enum { OWN = sizeof names / sizeof *names, MANAGED = 2 };
    char texts[OWN + MANAGED][PATH_MAX];
    const char *items[OWN + MANAGED];
    for (size_t i = 0; i < OWN + MANAGED; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "%s/%s", i < OWN ? home : managed, names[i % OWN]);
        items[i] = texts[i];
    }
    return remember(paths, items, OWN + MANAGED);
}

void home_paths_learn(struct home_paths *paths, const char *home, const struct compilation *c)
{
    const char *items[SOURCES_MOST + 3];
    size_t count = 0;
    if (c->sources.count < 5)
        return; /* it never came to reading */
    for (size_t i = 0; i < c->sources.count; i++)
        items[count++] = c->sources.items[i]->path;
    items[count++] = arena_printf(c->arena, "%s/" SNAPSHOT_FILE, home);
    if (c->sources.fleet.name != NULL)
        items[count++] = arena_printf(c->arena, "%s/" FLEET_COOLDOWNS_FILE, home);
    if (!remember(paths, items, count))
        memory_failed();
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
