#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a file system answers may be long in coming; others go on meanwhile. */
static void leave(struct watch_set *set)
{
    (void)pthread_mutex_unlock(&set->lock);
}

static void enter(struct watch_set *set)
{
    int error = errno;
    (void)pthread_mutex_lock(&set->lock);
    errno = error;
}

int watch_lstat(struct watch_set *set, const char *path, struct stat *ret)
{
    leave(set);
    int result = lstat(path, ret);
    enter(set);
    return result;
}

int watch_stat(struct watch_set *set, const char *path, struct stat *ret)
{
    leave(set);
    int result = stat(path, ret);
    enter(set);
    return result;
}

int watch_statfs(struct watch_set *set, const char *path, struct statfs *ret)
{
    leave(set);
    int result = statfs(path, ret);
    enter(set);
    return result;
}

bool watch_readable(struct watch_set *set, const char *path)
{
    leave(set);
    bool readable = faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0;
    enter(set);
    return readable;
}

ssize_t watch_readlink(struct watch_set *set, const char *path, char *target, size_t size)
{
    leave(set);
    ssize_t len = readlink(path, target, size);
    enter(set);
    return len;
}

int watch_add(struct watch_set *set, const char *path, uint32_t events)
{
    const int queue = set->queue;
    leave(set);
    int descriptor = inotify_add_watch(queue, path, events);
    enter(set);
    return descriptor;
}
