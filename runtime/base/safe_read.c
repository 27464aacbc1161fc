#include "safe_read.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "arena.h"
#include "clock.h"
#include "memory.h"
#include "remote_file_system.h"

/* How often a writer is looked at while it is waited for. The kernel announces a close a moment before it lets go of
 * the file, so the first looks follow each other closely, even when no waiting was asked for. */
enum { BUSY_POLL_MS = 5, GRACE_LOOKS = 20, GRACE_NS = 50000, MAX_LINKS = 40 };

static bool trusted(uid_t owner)
{
    return owner == geteuid() || owner == 0;
}

/* Puts the target of the link that PATH's first LEN bytes name in their place; false where it has no room. */
static bool follow_link(char path[PATH_MAX], size_t len)
{
    char target[PATH_MAX];
    char joined[PATH_MAX * 2];
    const char *rest = path + len;
    char held = path[len];
    path[len] = '\0';
    ssize_t got = readlink(path, target, sizeof target - 1);
    path[len] = held;
    if (got <= 0)
        return false;
    target[got] = '\0';
    size_t folder = len;
    while (folder > 0 && path[folder - 1] != '/')
        folder--;
    int size = snprintf(joined, sizeof joined, "%.*s%s%s", target[0] == '/' ? 0 : (int)folder, path, target, rest);
    if (size < 0 || size >= PATH_MAX)
        return false;
    memcpy(path, joined, (size_t)size + 1);
    return true;
}

/* The length of PATH up to its first link, 0 where there is none. */
static size_t first_link(char path[PATH_MAX], struct stat *ret)
{
    for (size_t i = 1, len = strlen(path); i <= len; i++) {
        char held = path[i];
        if (held != '/' && held != '\0')
            continue;
        path[i] = '\0';
        bool link = lstat(path, ret) == 0 && S_ISLNK(ret->st_mode);
        path[i] = held;
        if (link)
            return i;
    }
    return 0;
}

/* A link is only as good as whoever can plant one: each link on the way, those that links lead to included, must belong
 * to this user or root. (The kernel's fs.protected_symlinks does this for sticky directories only, and may be off.) */
static bool foreign_link(const char *whole)
{
    char path[PATH_MAX];
    struct stat st;
    if (strlen(whole) >= sizeof path)
        return false; /* nothing can be opened there */
    (void)strcpy(path, whole);
    for (int links = 0; links < MAX_LINKS; links++) {
        size_t len = first_link(path, &st);
        if (len == 0)
            return false;
        if (!trusted(st.st_uid))
            return true;
        if (!follow_link(path, len))
            return false; /* it leads to nothing that has a name */
    }
    return false; /* nor here */
}

static bool refuse(struct safe_read *read, const struct stat *st)
{
    read->size = st->st_size;
    read->owner = st->st_uid;
    read->group = st->st_gid;
    read->mode = st->st_mode & 07777;
    if (!S_ISREG(st->st_mode))
        read->status = SAFE_READ_NOT_A_FILE;
    else if (!trusted(st->st_uid))
        read->status = SAFE_READ_FOREIGN_OWNER;
    else if (st->st_mode & S_IWOTH)
        read->status = SAFE_READ_WORLD_WRITABLE;
    else if (st->st_size > SAFE_READ_LIMIT)
        read->status = SAFE_READ_TOO_LARGE;
    else
        return false;
    return true;
}

static ssize_t read_once(int fd, char *bytes, size_t size)
{
    size_t len = 0;
    while (len < size) {
        ssize_t got = pread(fd, bytes + len, size - len, (off_t)len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

static bool same_moment(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ino == b->st_ino;
}

/* How long ago, in milliseconds, any of it changed; its ctime cannot be set back. Negative where the clock that stamped
 * it, a server's, is ahead of ours. */
static long long age_ms(const struct stat *st)
{
    return clock_wall_age_ms(st->st_ctim);
}

enum trust {
    LEASED,   /* nobody can write to it meanwhile */
    REPLACED, /* everybody replaces it whole: twice the same bytes will do */
    EDITED,   /* it must have been left alone for a while */
};

/* It changed so lately that its writer may only be pausing. */
static bool restless(const struct stat *st)
{
    long long age = age_ms(st);
    if (age < 0)
        (void)poll(NULL, 0, SAFE_READ_QUIET_MS); /* no way to tell: see whether it changes from here on */
    return age >= 0 && age < SAFE_READ_QUIET_MS;
}

static bool same_again(struct arena *arena, int fd, const char *bytes, size_t size)
{
    char *again = arena_alloc(arena, size + 1);
    return read_once(fd, again, size) == (ssize_t)size && memcmp(bytes, again, size) == 0;
}

static enum safe_read_status read_stable(struct safe_read *read, struct arena *arena, int fd, enum trust trust)
{
    struct stat before;
    struct stat after;
    if (fstat(fd, &before) < 0) {
        read->error = errno;
        return SAFE_READ_FAILED;
    }
    if (refuse(read, &before))
        return read->status;
    if (trust == EDITED && restless(&before))
        return SAFE_READ_BUSY;
    size_t size = (size_t)before.st_size;
    char *bytes = arena_alloc(arena, size + 1);
    ssize_t len = read_once(fd, bytes, size);
    if (len < 0) {
        read->error = (int)-len;
        return SAFE_READ_FAILED;
    }
    if ((size_t)len != size || (trust != LEASED && !same_again(arena, fd, bytes, size)))
        return SAFE_READ_BUSY;
    if (fstat(fd, &after) < 0 || !same_moment(&before, &after))
        return SAFE_READ_BUSY;
    read->bytes = bytes;
    read->len = size;
    read->moment = before;
    return SAFE_READ_OK;
}

/* Whoever opens it for writing meanwhile breaks the lease, and the kernel tells us by a signal: not by SIGIO, which
 * kills whoever does not expect it, but by one that nobody minds. */
static enum safe_read_status attempt(struct safe_read *read, struct arena *arena, int fd, enum trust trust)
{
    struct statfs fs;
    (void)fcntl(fd, F_SETSIG, SIGURG);
    bool leased = fcntl(fd, F_SETLEASE, F_RDLCK) == 0;
    if (!leased && (errno == EAGAIN || errno == EWOULDBLOCK))
        return SAFE_READ_BUSY; /* somebody has it open for writing */
    bool known = leased && (fstatfs(fd, &fs) < 0 || remote_file_system(&fs) == NULL);
    enum safe_read_status status = read_stable(read, arena, fd, known ? LEASED : trust);
    if (leased)
        (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    return status;
}

static struct safe_read read_path(struct arena *arena, const char *path, int wait_ms, enum trust trust)
{
    struct safe_read read = {.status = SAFE_READ_FAILED};
    long long deadline = clock_monotonic_us() + wait_ms * 1000LL;
    if (foreign_link(path)) {
        read.status = SAFE_READ_FOREIGN_LINK;
        return read;
    }
    for (int look = 0;; look++) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0) {
            read.error = errno;
            read.status = errno == ENOENT || errno == ENOTDIR ? SAFE_READ_ABSENT
                          : errno == ENXIO                    ? SAFE_READ_NOT_A_FILE /* a socket */
                                                              : SAFE_READ_FAILED;
            return read;
        }
        struct stat st;
        struct memory_hold hold;
        memory_hold_fd(&hold, &fd);
        if (fstat(fd, &st) < 0 || !refuse(&read, &st))
            read.status = attempt(&read, arena, fd, trust);
        memory_give_back(&hold);
        if (read.status != SAFE_READ_BUSY || (look >= GRACE_LOOKS && clock_monotonic_us() >= deadline))
            return read;
        if (look < GRACE_LOOKS)
            (void)nanosleep(&(struct timespec){.tv_nsec = GRACE_NS}, NULL);
        else
            (void)poll(NULL, 0, BUSY_POLL_MS);
    }
}

struct safe_read safe_read(struct arena *arena, const char *path, int wait_ms)
{
    return read_path(arena, path, wait_ms, REPLACED);
}

struct safe_read safe_read_edited(struct arena *arena, const char *path, int wait_ms)
{
    return read_path(arena, path, wait_ms, EDITED);
}
