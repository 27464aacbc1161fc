#include "replace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "remote_file_system.h"

#define TEMPORARY_PREFIX ".hermes-compile."
#define COPY_SUFFIX      ".hermes-compile-copy"

/* The real file behind PATH, so that a link keeps its link. A file that does not exist yet is its own target. */
static int resolve_target(const char *path, bool linked, char target[PATH_MAX])
{
    struct stat st;
    if (!linked && strlen(path) < PATH_MAX) {
        strcpy(target, path);
        return 0;
    }
    if (realpath(path, target) != NULL) /* a device must not make room for a file */
        return stat(target, &st) == 0 && S_ISREG(st.st_mode) ? 0 : -EINVAL;
    if (errno != ENOENT)
        return -errno;
    char link[PATH_MAX];
    if (readlink(path, link, sizeof link) >= 0)
        return -ENOENT; /* a link to nothing: making its target would be a guess */
    if (strlen(path) >= PATH_MAX)
        return -ENAMETOOLONG;
    strcpy(target, path);
    return 0;
}

static int open_parent(struct replacement *r, char target[PATH_MAX])
{
    char *slash = strrchr(target, '/');
    const char *name = slash == NULL ? target : slash + 1;
    const char *parent = slash == NULL ? "." : slash == target ? "/" : target;
    if (strlen(name) == 0 || strlen(name) > NAME_MAX)
        return -EINVAL;
    strcpy(r->name, name);
    if (slash != NULL && slash != target)
        *slash = '\0';
    r->directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return r->directory < 0 ? -errno : 0;
}

enum { BATCH = 64 };

static int write_pieces(int fd, const struct piece *pieces, size_t count)
{
    struct iovec batch[BATCH];
    for (size_t held = 0;;) {
        for (; held < BATCH && count > 0; pieces++, count--)
            if (pieces->len > 0)
                batch[held++] = (struct iovec){(char *)pieces->bytes, pieces->len};
        if (held == 0)
            return 0;
        ssize_t written = writev(fd, batch, (int)held);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? -errno : -EIO;
        size_t done = 0;
        for (; done < held && (size_t)written >= batch[done].iov_len; done++)
            written -= (ssize_t)batch[done].iov_len;
        if (done < held)
            batch[done] = (struct iovec){(char *)batch[done].iov_base + written, batch[done].iov_len - (size_t)written};
        held -= done;
        memmove(batch, batch + done, held * sizeof *batch);
    }
}

static int close_file(struct replacement *r)
{
    int error = close(r->file) < 0 ? -errno : 0;
    r->file = -1;
    return error;
}

static int write_temporary(struct replacement *r, const struct piece *pieces, size_t count, mode_t mode, bool durable)
{
    int fd = openat(r->directory, r->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    r->pending = true;
    r->file = fd;
    int error = write_pieces(fd, pieces, count);
    if (error == 0 && mode != 0600 && fchmod(fd, mode) < 0)
        error = -errno;
    if (error == 0 && durable) /* the disk works while we do; fsync has the last word */
        (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    return error == 0 && !durable ? close_file(r) : error;
}

static int prepare(struct replacement *r, const char *path, bool linked, const struct piece *pieces, size_t count,
                   mode_t mode, bool durable)
{
    static _Atomic unsigned serial; /* compiles of several homes may run side by side */
    char target[PATH_MAX];
    *r = REPLACEMENT_NONE;
    r->linked = linked;
    int error = resolve_target(path, linked, target);
    if (error == 0)
        error = open_parent(r, target);
    if (error == 0) {
        int length = snprintf(r->temporary, sizeof r->temporary, TEMPORARY_PREFIX "%.*s.%ld.%u", 128, r->name,
                              (long)getpid(), serial++);
        error = length < (int)sizeof r->temporary ? 0 : -ENAMETOOLONG;
    }
    if (error == 0)
        error = write_temporary(r, pieces, count, mode, durable);
    if (error != 0)
        replace_abandon(r);
    return error;
}

int replace_prepare(struct replacement *r, const char *path, bool linked, const struct piece *pieces, size_t count,
                    mode_t mode)
{
    return prepare(r, path, linked, pieces, count, mode, true);
}

int replace_flush(struct replacement *r)
{
    if (r->file < 0)
        return 0;
    int error = fsync(r->file) < 0 || fstat(r->file, &r->left) < 0 ? -errno : 0;
    int closed = close_file(r);
    return error != 0 ? error : closed;
}

static int copy_over(int from, int to)
{
    char buffer[65536];
    off_t len = 0;
    int error = 0;
    for (ssize_t got; error == 0 && (got = read(from, buffer, sizeof buffer)) != 0;) {
        error = got < 0 ? -errno : write_pieces(to, &(struct piece){buffer, (size_t)got}, 1);
        len += got < 0 ? 0 : got;
    }
    explicit_bzero(buffer, sizeof buffer);
    if (error == 0 && (ftruncate(to, len) < 0 || fsync(to) < 0))
        error = -errno;
    return error;
}

/* No moment without a whole text: first the copy is made durable under its name, then the target is written. */
static int rewrite_in_place(struct replacement *r)
{
    char copy[NAME_MAX + 1];
    if (snprintf(copy, sizeof copy, "%s" COPY_SUFFIX, r->name) >= (int)sizeof copy)
        return -ENAMETOOLONG;
    if (renameat(r->directory, r->temporary, r->directory, copy) < 0)
        return -errno;
    r->pending = false;
    if (fsync(r->directory) < 0)
        return -errno;
    int from = openat(r->directory, copy, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int to = from < 0 ? -1 : openat(r->directory, r->name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    int error = to < 0 ? -errno : copy_over(from, to);
    if (error == 0 && fstat(to, &r->left) < 0)
        error = -errno;
    if (from >= 0)
        (void)close(from);
    if (to >= 0 && close(to) < 0 && error == 0)
        error = -errno;
    if (error == 0)
        (void)unlinkat(r->directory, copy, 0);
    return error;
}

int replace_find_copy(const char *path, char copy[PATH_MAX])
{
    char target[PATH_MAX];
    int error = resolve_target(path, true, target);
    if (error != 0)
        return error;
    if (snprintf(copy, PATH_MAX, "%s" COPY_SUFFIX, target) >= PATH_MAX)
        return -ENAMETOOLONG;
    return access(copy, F_OK) < 0 ? -errno : 0;
}

/* NFS moves a file that somebody holds out of the way first: then nothing stands in its place for a moment. */
static void hold_displaced(struct replacement *r)
{
    struct statfs fs;
    if (fstatfs(r->directory, &fs) == 0 && remote_file_system(&fs) == NULL)
        r->displaced = openat(r->directory, r->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

int replace_commit(struct replacement *r)
{
    int error = replace_flush(r);
    if (error != 0)
        return error;
    hold_displaced(r);
    if (renameat(r->directory, r->temporary, r->directory, r->name) < 0)
        return errno == EBUSY && r->linked ? rewrite_in_place(r) : -errno;
    r->pending = false;
    return 0;
}

int replace_sync(struct replacement *r)
{
    return fsync(r->directory) < 0 ? -errno : 0;
}

void replace_abandon(struct replacement *r)
{
    if (r->file >= 0)
        (void)close_file(r);
    if (r->pending)
        (void)unlinkat(r->directory, r->temporary, 0);
    r->pending = false;
    if (r->displaced >= 0)
        (void)close(r->displaced);
    if (r->directory >= 0)
        (void)close(r->directory);
    r->displaced = r->directory = -1;
}

int replace_file(const char *path, const char *bytes, size_t len, mode_t mode)
{
    struct replacement r;
    int error = replace_prepare(&r, path, true, &(struct piece){bytes, len}, 1, mode);
    if (error != 0)
        return error;
    error = replace_commit(&r);
    if (error == 0)
        error = replace_sync(&r);
    replace_abandon(&r);
    return error;
}

int replace_passing(const char *path, const char *bytes, size_t len)
{
    struct replacement r;
    int error = prepare(&r, path, false, &(struct piece){bytes, len}, 1, 0600, false);
    if (error == 0)
        error = replace_commit(&r);
    replace_abandon(&r);
    return error;
}

/* The end of the name, `.<process>.<serial>`, says which process made it; one that still runs may be at work. */
static bool left_behind(const char *entry)
{
    const char *serial = strrchr(entry, '.');
    if (strncmp(entry, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) != 0)
        return false;
    const char *maker = memrchr(entry, '.', (size_t)(serial - entry));
    char *end;
    long id = maker == NULL ? 0 : strtol(maker + 1, &end, 10);
    char process[64];
    (void)snprintf(process, sizeof process, "/proc/%ld", id);
    return id > 0 && end == serial && access(process, F_OK) != 0;
}

void replace_clean(const char *path, bool linked)
{
    struct replacement r = REPLACEMENT_NONE;
    char target[PATH_MAX];
    if (resolve_target(path, linked, target) != 0 || open_parent(&r, target) != 0)
        return;
    DIR *directory = fdopendir(r.directory);
    if (directory == NULL) {
        replace_abandon(&r);
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (left_behind(entry->d_name))
            (void)unlinkat(r.directory, entry->d_name, 0);
    (void)closedir(directory);
}
