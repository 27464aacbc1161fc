#include "find_home.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "blank.h"

const char *find_home_working_directory(struct arena *arena)
{
    char *working = getcwd(NULL, 0);
    const char *copy = arena_strdup(arena, working == NULL ? "/" : working);
    free(working);
    return copy;
}

const char *find_home(struct arena *arena, const char *option)
{
    const char *home = option;
    size_t len;
    if (home == NULL && getenv("HERMES_HOME") != NULL) {
        home = blank_strip(getenv("HERMES_HOME"), strlen(getenv("HERMES_HOME")), &len);
        home = len > 0 ? arena_strndup(arena, home, len) : NULL;
    }
    if (home == NULL && getenv("HOME") != NULL && *getenv("HOME") != '\0')
        home = arena_printf(arena, "%s/.hermes", getenv("HOME"));
    if (home == NULL)
        return NULL;
    if (*home != '/')
        home = arena_printf(arena, "%s/%s", find_home_working_directory(arena), home);
    len = strlen(home);
    while (len > 1 && (home[len - 1] == '/' || (home[len - 1] == '.' && home[len - 2] == '/')))
        len--;
    return arena_strndup(arena, home, len);
}

const char *find_home_root_of_profile(struct arena *arena, const char *home)
{
    static const char folder[] = "/profiles";
    const char *id = strrchr(home, '/');
    size_t len = id == NULL ? 0 : (size_t)(id - home);
    if (len <= sizeof folder - 1 || memcmp(id - (sizeof folder - 1), folder, sizeof folder - 1) != 0)
        return NULL;
    return arena_strndup(arena, home, len - (sizeof folder - 1));
}
