#include "home_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <syslog.h>
#include <unistd.h>

#include "file_lock.h"
#include "compile_lock.h"
#include "remote_file_system.h"
#include "snapshot_format.h"

/* Descriptors: what a few compiles and a look at drift have open at once. */
enum { RESERVED = 48 };

static void lock_path(const char *home, char path[PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "%s/" WATCH_LOCK_FILE, home);
}

bool home_lock_is_held(const struct home_lock *lock, const char *home)
{
    char path[PATH_MAX];
    struct stat held;
    struct stat st;
    lock_path(home, path);
    return lock->fd >= 0 && fstat(lock->fd, &held) == 0 && stat(path, &st) == 0 && held.st_dev == st.st_dev &&
           held.st_ino == st.st_ino;
}

void home_lock_release(struct home_lock *lock)
{
    if (lock->fd >= 0)
        (void)close(lock->fd);
    lock->fd = lock->opened = -1;
}

static void say_unlocked(struct home_lock *lock, const struct watched_home *home, const char *path, int error)
{
    char text[PATH_MAX + 200];
    if (lock->said == error)
        return;
    lock->said = error;
    (void)snprintf(
        text, sizeof text,
        "%s cannot be locked (%s): a second hermes-watch would not be noticed, and no status.json is written", path,
        strerror(-error));
    watched_home_say(home, LOG_WARNING, NULL, text);
}

/* FD opened anew: it is held for as long as this process lives, and no file system in which a file is open for writing
 * can be made read-only. Remote ones lock none but those. */
static int for_reading(int fd, const char *path)
{
    struct statfs fs;
    if (fd < 0 || fstatfs(fd, &fs) < 0 || remote_file_system(&fs) != NULL)
        return fd;
    (void)close(fd);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

void home_lock_open(struct home_lock *lock, const struct watched_home *home)
{
    char path[PATH_MAX];
    struct stat st;
    if (home_lock_is_held(lock, home->home))
        return;
    home_lock_release(lock);
    if (stat(home->home, &st) < 0 || st.st_uid != geteuid())
        return;
    int compiling = compile_lock(home->home, 0); /* makes the folder */
    if (compiling >= 0)
        (void)close(compiling);
    else if (compiling != -EWOULDBLOCK)
        return; /* nothing can be published there, which the compile says */
    lock_path(home->home, path);
    lock->opened = for_reading(compile_lock_open(path), path);
    if (lock->opened < 0)
        say_unlocked(lock, home, path, lock->opened);
}

/* The last descriptors are for compiling: a home without a lock is better off than one that nobody compiles. */
static bool is_among_the_last(int fd)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return false;
    return (rlim_t)fd >= limit.rlim_cur - (limit.rlim_cur / 4 < RESERVED ? limit.rlim_cur / 4 : RESERVED);
}

int home_lock_take(struct home_lock *lock)
{
    if (lock->opened < 0)
        return 0;
    int error = is_among_the_last(lock->opened) ? -EMFILE : file_lock_take(lock->opened, 0);
    if (error != 0)
        return error;
    *lock = (struct home_lock){.fd = lock->opened, .opened = -1};
    return 0;
}

pid_t home_lock_refused(struct home_lock *lock, const struct watched_home *home, int error)
{
    char path[PATH_MAX];
    lock_path(home->home, path);
    (void)close(lock->opened);
    lock->opened = -1;
    if (error == -EWOULDBLOCK && file_lock_is_left(path))
        (void)unlink(
            path); /* the next one is made anew; whoever finds that its own is not there any more lets go of it */
    if (error == -EWOULDBLOCK)
        return file_lock_holder(path);
    say_unlocked(lock, home, path, error);
    return 0;
}
