/* What was found in libinotifytools 3.22.6, and how it is lived with:
 * - It has no getter for its descriptor and opens it without CLOEXEC: it is found by its name in /proc/self/fd.
 * - inotifytools_next_event blocks for whole seconds, and says nothing of the events that it has buffered itself. So the
 *   descriptor is polled and read here, and the library keeps the watches.
 * - After a directory was moved, the library's name for it is the old one; after it was deleted, the watch is gone and
 *   the record stays. So a watch is kept only as long as its path still leads to the inode it was made for.
 * - It files a directory under its name with a slash at the end, and asks for it so.
 * - inotifytools_cleanup forgets the records of watches that were not removed one by one.
 * - Limits (ENOSPC, EMFILE) come back through inotifytools_error(). */
#include "watch_set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <inotifytools/inotifytools.h>

/* What can mean "finished". IN_MODIFY cannot; IN_CREATE is how links and directories appear. */
enum {
    EVENTS = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB | IN_DELETE_SELF |
             IN_MOVE_SELF,
    SELF_EVENTS = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED,
    MAX_LINKS = 40,
};

#define ANY_ENTRY "*" /* as the last name of a path */

/* NAME, an entry of a directory, matters to CLIENT. */
struct interest {
    char *name;
    struct watch_client *client;
    unsigned round; /* of the client's update that wanted it last */
};

/* A directory, once for all that want something of it. */
struct watch {
    char *directory;
    struct interest *interests; /* sorted by name: an event finds its own among those of a thousand homes */
    size_t count;
    int descriptor; /* -1: cannot be watched */
    dev_t device;
    ino_t inode;
    struct watch *next_of_name; /* in the buckets */
    struct watch *next_of_descriptor;
};

enum { BUCKETS = 1024 };

struct watch_set {
    int fd;
    struct watch_client *told; /* those that the events of one drain concern */
    struct watch_client *clients;
    struct watch *by_name[BUCKETS];
    struct watch *by_descriptor[BUCKETS];
};

struct watch_client {
    struct watch_set *set;
    struct watch_client *next;
    watch_tell *tell;
    void *owner;
    struct watch **watches; /* in which it has interests */
    size_t count;
    unsigned round;
    enum watch_news news; /* of this drain */
    struct watch_client *next_told;
};

static int find_descriptor(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int found = -1;
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        char target[64] = "";
        if (readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1) > 0 &&
            strcmp(target, "anon_inode:inotify") == 0)
            found = atoi(entry->d_name);
    }
    if (directory != NULL)
        (void)closedir(directory);
    return found;
}

int watch_set_open(struct watch_set **ret)
{
    struct watch_set *set = calloc(1, sizeof *set);
    if (set == NULL)
        return -ENOMEM;
    if (!inotifytools_initialize()) {
        int error = -inotifytools_error();
        free(set);
        return error;
    }
    set->fd = find_descriptor();
    if (set->fd < 0 || fcntl(set->fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(set->fd, F_SETFL, O_NONBLOCK) < 0) {
        watch_set_close(set);
        return -EBADF;
    }
    *ret = set;
    return 0;
}

static void *must(void *memory)
{
    if (memory == NULL) {
        (void)fputs("hermes-watch: out of memory\n", stderr);
        _exit(4);
    }
    return memory;
}

/* --- the buckets --- */

static struct watch **bucket_of_name(struct watch_set *set, const char *directory)
{
    unsigned hash = 5381;
    for (; *directory != '\0'; directory++)
        hash = hash * 33 + (unsigned char)*directory;
    return &set->by_name[hash % BUCKETS];
}

static struct watch **bucket_of_descriptor(struct watch_set *set, int descriptor)
{
    return &set->by_descriptor[(unsigned)descriptor % BUCKETS];
}

static void unlink_descriptor(struct watch_set *set, struct watch *watch)
{
    struct watch **at = bucket_of_descriptor(set, watch->descriptor);
    while (*at != NULL && *at != watch)
        at = &(*at)->next_of_descriptor;
    if (*at != NULL)
        *at = watch->next_of_descriptor;
}

static bool shared(struct watch_set *set, const struct watch *watch)
{
    for (const struct watch *other = *bucket_of_descriptor(set, watch->descriptor); other != NULL;
         other = other->next_of_descriptor)
        if (other != watch && other->descriptor == watch->descriptor)
            return true;
    return false;
}

static void stop(struct watch_set *set, struct watch *watch)
{
    if (watch->descriptor < 0)
        return;
    if (!shared(set, watch)) /* one directory under two names has one descriptor */
        (void)inotifytools_remove_watch_by_wd(watch->descriptor);
    unlink_descriptor(set, watch);
    watch->descriptor = -1;
}

static void forget(struct watch_set *set, struct watch *watch)
{
    struct watch **at = bucket_of_name(set, watch->directory);
    stop(set, watch);
    while (*at != watch)
        at = &(*at)->next_of_name;
    *at = watch->next_of_name;
    free(watch->interests);
    free(watch->directory);
    free(watch);
}

static struct watch *watch_of(struct watch_set *set, const char *directory)
{
    struct watch **bucket = bucket_of_name(set, directory);
    for (struct watch *watch = *bucket; watch != NULL; watch = watch->next_of_name)
        if (strcmp(watch->directory, directory) == 0)
            return watch;
    struct watch *watch = must(calloc(1, sizeof *watch));
    *watch = (struct watch){.directory = must(strdup(directory)), .descriptor = -1, .next_of_name = *bucket};
    *bucket = watch;
    return watch;
}

/* --- who is interested in what --- */

/* The first interest whose name is not before NAME. */
static size_t first_of(const struct watch *watch, const char *name)
{
    size_t low = 0;
    for (size_t high = watch->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(watch->interests[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void remember(struct watch_client *client, struct watch *watch)
{
    for (size_t i = 0; i < client->count; i++)
        if (client->watches[i] == watch)
            return;
    client->watches = must(realloc(client->watches, (client->count + 1) * sizeof *client->watches));
    client->watches[client->count++] = watch;
}

/* NAME in DIRECTORY matters to CLIENT from now on. */
static void want(struct watch_client *client, const char *directory, const char *name)
{
    struct watch *watch = watch_of(client->set, directory);
    size_t at = first_of(watch, name);
    for (; at < watch->count && strcmp(watch->interests[at].name, name) == 0; at++)
        if (watch->interests[at].client == client) {
            watch->interests[at].round = client->round;
            return;
        }
    watch->interests = must(realloc(watch->interests, (watch->count + 1) * sizeof *watch->interests));
    memmove(watch->interests + at + 1, watch->interests + at, (watch->count - at) * sizeof *watch->interests);
    watch->interests[at] = (struct interest){must(strdup(name)), client, client->round};
    watch->count++;
    remember(client, watch);
}

/* Drops what CLIENT wanted before its last round, and watches that nobody wants. */
static void sweep(struct watch_client *client)
{
    size_t left = 0;
    for (size_t i = 0; i < client->count; i++) {
        struct watch *watch = client->watches[i];
        size_t kept = 0;
        bool mine = false;
        for (size_t k = 0; k < watch->count; k++) {
            struct interest interest = watch->interests[k];
            if (interest.client == client && interest.round != client->round) {
                free(interest.name);
                continue;
            }
            mine = mine || interest.client == client;
            watch->interests[kept++] = interest;
        }
        watch->count = kept;
        if (kept == 0)
            forget(client->set, watch);
        else if (mine)
            client->watches[left++] = watch;
    }
    client->count = left;
}

struct watch_client *watch_client_create(struct watch_set *set, watch_tell *tell, void *owner)
{
    struct watch_client *client = must(calloc(1, sizeof *client));
    *client = (struct watch_client){.set = set, .next = set->clients, .tell = tell, .owner = owner};
    set->clients = client;
    return client;
}

void watch_client_destroy(struct watch_client *client)
{
    if (client == NULL)
        return;
    struct watch_client **at = &client->set->clients;
    client->round++;
    sweep(client);
    while (*at != client)
        at = &(*at)->next;
    *at = client->next;
    free(client->watches);
    free(client);
}

void watch_set_close(struct watch_set *set)
{
    if (set == NULL)
        return;
    while (set->clients != NULL)
        watch_client_destroy(set->clients);
    inotifytools_cleanup();
    free(set);
}

int watch_set_fd(const struct watch_set *set)
{
    return set->fd;
}

/* --- the ways that lead to a file --- */

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

/* Walks PATH name by name, link by link, and wants every step. */
static void want_path(struct watch_client *client, const char *whole)
{
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
        want(client, directory, name);
        (void)snprintf(at, sizeof at, "%s%s%s", directory, directory[1] == '\0' ? "" : "/", name);
        if (lstat(at, &st) < 0 || strlen(at) >= sizeof directory)
            return;
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

static bool still_there(const struct watch *watch)
{
    struct stat st;
    return watch->descriptor >= 0 && stat(watch->directory, &st) == 0 && st.st_dev == watch->device &&
           st.st_ino == watch->inode;
}

static int start(struct watch_set *set, struct watch *watch)
{
    struct stat st;
    if (stat(watch->directory, &st) < 0)
        return errno == ENOENT ? 0 : -errno; /* gone again: its parent's event will say so */
    if (!inotifytools_watch_file(watch->directory, EVENTS)) {
        int error = inotifytools_error();
        return error == ENOENT ? 0 : -error;
    }
    char name[PATH_MAX + 2];
    size_t len = strlen(watch->directory);
    (void)snprintf(name, sizeof name, "%s%s", watch->directory, watch->directory[len - 1] == '/' ? "" : "/");
    watch->descriptor = inotifytools_wd_from_filename(name);
    watch->device = st.st_dev;
    watch->inode = st.st_ino;
    if (watch->descriptor >= 0) {
        struct watch **bucket = bucket_of_descriptor(set, watch->descriptor);
        watch->next_of_descriptor = *bucket;
        *bucket = watch;
    }
    return 0;
}

int watch_client_update(struct watch_client *client, const char *const *paths, size_t count)
{
    int result = 0;
    client->round++;
    for (size_t i = 0; i < client->count; i++)
        if (!still_there(client->watches[i]))
            stop(client->set, client->watches[i]);
    for (size_t i = 0; i < count; i++)
        want_path(client, paths[i]);
    sweep(client);
    for (size_t i = 0; i < client->count; i++) {
        int error = client->watches[i]->descriptor < 0 ? start(client->set, client->watches[i]) : 0;
        if (error != 0 && error != -EACCES) /* what we may not look into, nobody moves our files through */
            result = error;
    }
    return result;
}

/* --- events --- */

static bool among(const char *const *names, const char *name)
{
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

static void tell(struct watch_client *client, enum watch_news news)
{
    if (client->news == WATCH_NOTHING) {
        client->next_told = client->set->told;
        client->set->told = client;
    }
    client->news = news > client->news ? news : client->news;
}

/* NAME: NULL: whoever is interested in anything of WATCH. */
static void tell_named(const struct watch *watch, const char *name, enum watch_news news)
{
    for (size_t i = name == NULL ? 0 : first_of(watch, name); i < watch->count; i++) {
        if (name != NULL && strcmp(watch->interests[i].name, name) != 0)
            break;
        tell(watch->interests[i].client, news);
    }
}

static void weigh(struct watch_set *set, const struct inotify_event *event, const char *const *apart)
{
    if ((event->mask & IN_Q_OVERFLOW) != 0)
        for (struct watch_client *client = set->clients; client != NULL; client = client->next)
            tell(client, WATCH_CHANGE);
    if (event->wd < 0)
        return;
    const char *name = event->len > 0 ? event->name : "";
    bool self = (event->mask & SELF_EVENTS) != 0;
    for (struct watch *watch = *bucket_of_descriptor(set, event->wd); watch != NULL;
         watch = watch->next_of_descriptor) {
        if (watch->descriptor != event->wd)
            continue;
        tell_named(watch, self ? NULL : name, !self && among(apart, name) ? WATCH_APART : WATCH_CHANGE);
        if (!self)
            tell_named(watch, ANY_ENTRY, WATCH_CHANGE);
    }
}

void watch_set_drain(struct watch_set *set, const char *const *apart)
{
    _Alignas(struct inotify_event) char buffer[16384];
    for (ssize_t len; (len = read(set->fd, buffer, sizeof buffer)) > 0;)
        for (ssize_t at = 0; at < len;) {
            const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
            weigh(set, event, apart);
            at += (ssize_t)(sizeof *event + event->len);
        }
    for (struct watch_client *client; (client = set->told) != NULL;) {
        enum watch_news news = client->news;
        set->told = client->next_told;
        client->news = WATCH_NOTHING;
        client->tell(client->owner, news);
    }
}
