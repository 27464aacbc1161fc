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

struct watch {
    char *directory;
    char **names; /* the entries of it that matter */
    size_t name_count;
    int descriptor; /* -1: cannot be watched */
    dev_t device;
    ino_t inode;
    bool wanted;
};

struct watch_set {
    int fd;
    struct watch *watches;
    size_t count;
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

static void forget(struct watch *watch)
{
    for (size_t i = 0; i < watch->name_count; i++)
        free(watch->names[i]);
    free(watch->names);
    free(watch->directory);
}

static void stop(struct watch *watch)
{
    if (watch->descriptor >= 0)
        (void)inotifytools_remove_watch_by_wd(watch->descriptor);
    watch->descriptor = -1;
}

void watch_set_close(struct watch_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++) {
        stop(&set->watches[i]);
        forget(&set->watches[i]);
    }
    free(set->watches);
    inotifytools_cleanup();
    free(set);
}

int watch_set_fd(const struct watch_set *set)
{
    return set->fd;
}

static void *must(void *memory)
{
    if (memory == NULL) {
        (void)fputs("hermes-watch: out of memory\n", stderr);
        _exit(4);
    }
    return memory;
}

static void add_name(struct watch *watch, const char *name)
{
    for (size_t i = 0; i < watch->name_count; i++)
        if (strcmp(watch->names[i], name) == 0)
            return;
    watch->names = must(realloc(watch->names, (watch->name_count + 1) * sizeof *watch->names));
    watch->names[watch->name_count++] = must(strdup(name));
}

/* NAME in DIRECTORY matters from now on. */
static void want(struct watch_set *set, const char *directory, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->watches[i].directory, directory) == 0) {
            set->watches[i].wanted = true;
            add_name(&set->watches[i], name);
            return;
        }
    set->watches = must(realloc(set->watches, (set->count + 1) * sizeof *set->watches));
    struct watch *watch = &set->watches[set->count++];
    *watch = (struct watch){.directory = must(strdup(directory)), .descriptor = -1, .wanted = true};
    add_name(watch, name);
}

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
static void want_path(struct watch_set *set, const char *whole)
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
        want(set, directory, name);
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

static int start(struct watch *watch)
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
    return 0;
}

static void sweep(struct watch_set *set)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (set->watches[i].wanted) {
            set->watches[kept++] = set->watches[i];
            continue;
        }
        stop(&set->watches[i]);
        forget(&set->watches[i]);
    }
    set->count = kept;
}

int watch_set_update(struct watch_set *set, const char *const *paths, size_t count)
{
    int result = 0;
    for (size_t i = 0; i < set->count; i++) {
        struct watch *watch = &set->watches[i];
        watch->wanted = false;
        for (size_t k = 0; k < watch->name_count; k++)
            free(watch->names[k]);
        watch->name_count = 0;
        if (!still_there(watch))
            stop(watch);
    }
    for (size_t i = 0; i < count; i++)
        want_path(set, paths[i]);
    sweep(set);
    for (size_t i = 0; i < set->count; i++) {
        int error = set->watches[i].descriptor < 0 ? start(&set->watches[i]) : 0;
        if (error != 0 && error != -EACCES) /* what we may not look into, nobody moves our files through */
            result = error;
    }
    return result;
}

static bool among(const char *const *names, const char *name)
{
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

static enum watch_news weigh(const struct watch_set *set, const struct inotify_event *event, const char *const *apart)
{
    if ((event->mask & IN_Q_OVERFLOW) != 0)
        return WATCH_CHANGE;
    for (size_t i = 0; i < set->count; i++) {
        const struct watch *watch = &set->watches[i];
        if (watch->descriptor != event->wd)
            continue;
        if ((event->mask & SELF_EVENTS) != 0)
            return WATCH_CHANGE;
        for (size_t k = 0; event->len > 0 && k < watch->name_count; k++)
            if (strcmp(watch->names[k], event->name) == 0)
                return among(apart, event->name) ? WATCH_APART : WATCH_CHANGE;
    }
    return WATCH_NOTHING;
}

enum watch_news watch_set_drain(struct watch_set *set, const char *const *apart)
{
    _Alignas(struct inotify_event) char buffer[16384];
    enum watch_news news = WATCH_NOTHING;
    for (ssize_t len; (len = read(set->fd, buffer, sizeof buffer)) > 0;)
        for (ssize_t at = 0; at < len;) {
            const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
            enum watch_news more = weigh(set, event, apart);
            news = more > news ? more : news;
            at += (ssize_t)(sizeof *event + event->len);
        }
    return news;
}
