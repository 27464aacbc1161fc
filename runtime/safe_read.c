#include "safe_read.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "arena.h"

/* How often a writer is looked at while it is waited for. The kernel announces a close a moment before it lets go of
 * the file, so the first looks follow each other closely, even when no waiting was asked for. */
enum { BUSY_POLL_MS = 5, GRACE_LOOKS = 20, GRACE_NS = 50000 };

static bool trusted(uid_t owner)
{
    return owner == geteuid() || owner == 0;
}

/* A link is only as good as whoever can plant one: each link on the way must belong to this user or root. (The kernel's
 * fs.protected_symlinks does this for sticky directories only, and may be off.) */
static bool foreign_link(const char *path)
{
    char prefix[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof prefix)
        return false;
    for (size_t i = 1; i <= len; i++) {
        struct stat st;
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(prefix, path, i);
        prefix[i] = '\0';
        if (lstat(prefix, &st) == 0 && S_ISLNK(st.st_mode) && !trusted(st.st_uid))
            return true;
    }
    return false;
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

/* Reads the file whole; with LEASED nobody can have written to it meanwhile, without it the bytes must be the same
 * twice. */
static enum safe_read_status read_stable(struct safe_read *read, struct arena *arena, int fd, bool leased)
{
    struct stat before;
    struct stat after;
    if (fstat(fd, &before) < 0) {
        read->error = errno;
        return SAFE_READ_FAILED;
    }
    if (refuse(read, &before))
        return read->status;
    size_t size = (size_t)before.st_size;
    char *bytes = arena_alloc(arena, size + 1);
    ssize_t len = read_once(fd, bytes, size);
    if (len < 0) {
        read->error = (int)-len;
        return SAFE_READ_FAILED;
    }
    if (!leased) {
        char *again = arena_alloc(arena, size + 1);
        ssize_t second = read_once(fd, again, size);
        if (second != len || memcmp(bytes, again, size) != 0)
            return SAFE_READ_BUSY;
    }
    if (fstat(fd, &after) < 0 || !same_moment(&before, &after) || (size_t)len != size)
        return SAFE_READ_BUSY;
    read->bytes = bytes;
    read->len = size;
    return SAFE_READ_OK;
}

static enum safe_read_status attempt(struct safe_read *read, struct arena *arena, int fd)
{
    bool leased = fcntl(fd, F_SETLEASE, F_RDLCK) == 0;
    if (!leased && (errno == EAGAIN || errno == EWOULDBLOCK))
        return SAFE_READ_BUSY; /* somebody has it open for writing */
    enum safe_read_status status = read_stable(read, arena, fd, leased);
    if (leased)
        (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    return status;
}

static long long now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

struct safe_read safe_read(struct arena *arena, const char *path, int wait_ms)
{
    struct safe_read read = {.status = SAFE_READ_FAILED};
    long long deadline = now_ms() + wait_ms;
    if (foreign_link(path)) {
        read.status = SAFE_READ_FOREIGN_LINK;
        return read;
    }
    for (int look = 0;; look++) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0) {
            read.error = errno;
            read.status = errno == ENOENT || errno == ENOTDIR ? SAFE_READ_ABSENT : SAFE_READ_FAILED;
            return read;
        }
        struct stat st;
        if (fstat(fd, &st) < 0 || !refuse(&read, &st))
            read.status = attempt(&read, arena, fd);
        (void)close(fd);
        if (read.status != SAFE_READ_BUSY || (look >= GRACE_LOOKS && now_ms() >= deadline))
            return read;
        if (look < GRACE_LOOKS)
            (void)nanosleep(&(struct timespec){.tv_nsec = GRACE_NS}, NULL);
        else
            (void)poll(NULL, 0, BUSY_POLL_MS);
    }
}
