#include "watch.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_LINKS = 40 };

/* Puts the target of the link AT in the place of its name; REST is what follows it. */
static bool follow_link(char path[PATH_MAX], const char *directory, const char *at, const char *rest)
{
    char target[PATH_MAX];
    char joined[PATH_MAX * 2 + 2];
    ssize_t len = readlink(at, target, sizeof target - 1);
    if (len <= 0)
        return false;
    target[len] = '\0';
    int size = snprintf(joined, sizeof joined, "%s%s%s%s%s", target[0] == '/' ? "" : directory,
                        target[0] == '/' ? "" : "/", target, *rest == '\0' ? "" : "/", rest);
    if (size < 0 || size >= PATH_MAX)
        return false;
    memcpy(path, joined, (size_t)size + 1);
    return true;
}

static const char *parent_of(char directory[PATH_MAX])
{
    char *slash = strrchr(directory, '/');
    if (slash == directory)
        slash[1] = '\0';
    else if (slash != NULL)
        *slash = '\0';
    return directory;
}

static bool is_apart(const struct watch_client *client, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *const *names = client->apart;
    while (names != NULL && *names != NULL && (slash == NULL || strcmp(*names, slash + 1) != 0))
        names++;
    return names != NULL && *names != NULL;
}

void watch_walk(struct watch_client *client, const char *whole)
{
    const bool apart = is_apart(client, whole);
    char path[PATH_MAX];
    char directory[PATH_MAX] = "/";
    char name[NAME_MAX + 1];
    char at[PATH_MAX + NAME_MAX + 2];
    if (strlen(whole) >= sizeof path)
        return;
    strcpy(path, whole);
    const char *rest = path;
    for (int links = 0; *(rest += strspn(rest, "/")) != '\0';) {
        struct stat st;
        size_t len = strcspn(rest, "/");
        if (len > NAME_MAX)
            return;
        memcpy(name, rest, len);
        name[len] = '\0';
        rest += len;
        rest += strspn(rest, "/");
        if (strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0) {
            (void)parent_of(directory);
            continue;
        }
        (void)snprintf(at, sizeof at, "%s%s%s", directory, directory[1] == '\0' ? "" : "/", name);
        bool there = lstat(at, &st) == 0;
        bool leads_on = there && S_ISDIR(st.st_mode) && *rest != '\0'; /* else it stands in a file's place */
        watch_want(client, watch_at(client->set, directory), name,
                   leads_on && faccessat(AT_FDCWD, at, R_OK, AT_EACCESS) == 0, apart);
        if (!there || strlen(at) >= sizeof directory)
            return;
        if (S_ISREG(st.st_mode)) {
            struct watch *watch = watch_at(client->set, at);
            watch->file = true;
            watch_want(client, watch, name, false, apart);
        }
        if (S_ISLNK(st.st_mode)) {
            char again[PATH_MAX];
            if (++links > MAX_LINKS || !follow_link(again, directory, at, rest))
                return;
            strcpy(path, again);
            strcpy(directory, "/");
            rest = path;
        } else {
            strcpy(directory, at);
        }
    }
}
