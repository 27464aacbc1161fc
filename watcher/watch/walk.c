#include "watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { MAX_LINKS = 40 };

/* Puts the target of the link AT in the place of its name; REST is what follows it. */
static bool follow_link(struct watch_set *set, char path[PATH_MAX], const char *directory, const char *at,
                        const char *rest)
{
    char target[PATH_MAX];
    char joined[PATH_MAX * 2 + 2];
    ssize_t len = watch_readlink(set, at, target, sizeof target - 1);
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

/* Where the walk is. */
struct walk {
    struct watch_client *client;
    bool apart;
    char path[PATH_MAX];
    const char *rest; /* of it */
    char directory[PATH_MAX];
    int links;
};

/* Wants NAME, which is AT. False: there is no way on. */
static bool step(struct walk *w, const char *name, const char *at)
{
    struct stat st = {0};
    struct watch_client *client = w->client;
    struct watch_set *set = client->set;
    (void)snprintf(client->touching, sizeof client->touching, "%.4095s", at);
    bool there = watch_lstat(set, at, &st) == 0;
    bool unknown = !there && errno != ENOENT && errno != ENOTDIR;
    bool leads_on = there && S_ISDIR(st.st_mode) && *w->rest != '\0'; /* else it stands in a file's place */
    bool passage = leads_on && watch_readable(set, at);
    const struct watch_wish entry = {name, false, passage, w->apart, unknown};
    const struct watch_wish itself = {name, true, false, w->apart, false};
    if (!watch_want(client, w->directory, entry) ||
        (there && S_ISREG(st.st_mode) && strlen(at) < sizeof w->directory && !watch_want(client, at, itself))) {
        watch_starve(client);
        return false;
    }
    if (!there || strlen(at) >= sizeof w->directory)
        return false;
    if (!S_ISLNK(st.st_mode)) {
        strcpy(w->directory, at);
        return true;
    }
    char again[PATH_MAX];
    if (++w->links > MAX_LINKS || !follow_link(set, again, w->directory, at, w->rest))
        return false;
    strcpy(w->path, again);
    strcpy(w->directory, "/");
    w->rest = w->path;
    return true;
}

void watch_walk(struct watch_client *client, const char *whole)
{
    struct walk w = {.client = client, .apart = is_apart(client, whole), .directory = "/"};
    char name[NAME_MAX + 1];
    char at[PATH_MAX + NAME_MAX + 2];
    if (strlen(whole) >= sizeof w.path)
        return;
    strcpy(w.path, whole);
    for (w.rest = w.path; *(w.rest += strspn(w.rest, "/")) != '\0';) {
        size_t len = strcspn(w.rest, "/");
        if (len > NAME_MAX)
            return;
        memcpy(name, w.rest, len);
        name[len] = '\0';
        w.rest += len;
        w.rest += strspn(w.rest, "/");
        if (strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0) {
            (void)parent_of(w.directory);
            continue;
        }
        (void)snprintf(at, sizeof at, "%s%s%s", w.directory, w.directory[1] == '\0' ? "" : "/", name);
        client->met = client->met || watch_is_foreign(client->set, at);
        if ((client->met && !client->waits) || !step(&w, name, at))
            return;
    }
}
