#include "replace.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/posix_acl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "remote_file_system.h"

#define TEMPORARY_PREFIX ".hermes-compile."
#define ACCESS_LIST      "system.posix_acl_access"
#define COPY_SUFFIX      ".hermes-compile-copy"

/* Names that are taken: by chance, or because somebody cleaned up at that very moment. */
enum { MOST_NAMES = 16 };

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

static void close_lock(struct replacement *r)
{
    if (r->lock >= 0)
        (void)close(r->lock);
    r->lock = -1;
}

/* The descriptor that holds the lock of NAME, or a negative errno: -EWOULDBLOCK when another one does. It is one of its
 * own, for reading: a file that is open for writing is one that is being written. NFS locks none but those. */
static int lock_temporary(int directory, const char *name)
{
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
    if (error == 0)
        return fd;
    (void)close(fd);
    fd = error == -EBADF ? openat(directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return error;
}

/* A name that says nothing of the process: in a container its number is the same at every start. */
static int name_temporary(struct replacement *r)
{
    unsigned long long chance = 0;
    if (getrandom(&chance, sizeof chance, 0) != sizeof chance)
        return -errno;
    int length = snprintf(r->temporary, sizeof r->temporary, TEMPORARY_PREFIX "%.*s.%016llx", 128, r->name, chance);
    return length < (int)sizeof r->temporary ? 0 : -ENAMETOOLONG;
}

/* -EAGAIN: under another name. */
static int create_temporary(struct replacement *r)
{
    struct stat st;
    int error = name_temporary(r);
    if (error != 0)
        return error;
    r->file = openat(r->directory, r->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (r->file < 0)
        return errno == EEXIST ? -EAGAIN : -errno;
    r->pending = true;
    r->lock = lock_temporary(r->directory, r->temporary); /* where there are no locks, nobody cleans up either */
    bool taken = r->lock == -EWOULDBLOCK || r->lock == -ENOENT;
    if (!taken && fstat(r->file, &st) < 0)
        return -errno;
    if (!taken && st.st_nlink > 0)
        return 0;
    (void)close_file(r); /* whoever cleans up came between the two */
    close_lock(r);
    r->pending = false;
    return -EAGAIN;
}

/* What programs have noted about the file. */
static void copy_attributes(int from, int to)
{
    static const char prefix[] = "user.";
    char names[4096];
    char value[4096];
    ssize_t len = flistxattr(from, names, sizeof names);
    for (const char *name = names; len > 0 && name < names + len; name += strlen(name) + 1) {
        ssize_t size = strncmp(name, prefix, strlen(prefix)) == 0 ? fgetxattr(from, name, value, sizeof value) : -1;
        if (size >= 0)
            (void)fsetxattr(to, name, value, (size_t)size, 0);
    }
}

/* What an access list is made of, as the kernel takes it: linux/posix_acl_xattr.h. */
struct access_list {
    uint32_t version;
    struct access {
        uint16_t tag;
        uint16_t rights;
        uint32_t id;
    } entries[512];
};

/* What the entries with TAG give; 07 where there is none. */
static unsigned rights_of(const struct access *entries, size_t count, unsigned tag)
{
    for (size_t i = 0; i < count; i++)
        if (le16toh(entries[i].tag) == tag)
            return le16toh(entries[i].rights);
    return 07;
}

/* Somebody may more than the group, whom the mode names. */
static bool lets_others_in(const struct access *entries, size_t count)
{
    unsigned more = rights_of(entries, count, ACL_MASK) & ~rights_of(entries, count, ACL_GROUP_OBJ);
    for (size_t i = 0; i < count; i++)
        if ((entries[i].tag == htole16(ACL_USER) || entries[i].tag == htole16(ACL_GROUP)) &&
            (le16toh(entries[i].rights) & more) != 0)
            return true;
    return false;
}

/* True: TO has the list of FROM, which only takes away from what the mode gives, or there is none. */
static bool copy_access_list(int from, int to)
{
    struct access_list list;
    ssize_t size = fgetxattr(from, ACCESS_LIST, &list, sizeof list);
    if (size < 0)
        return errno == ENODATA || errno == ENOTSUP;
    size_t count = ((size_t)size - sizeof list.version) / sizeof *list.entries;
    if (lets_others_in(list.entries, count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (list.entries[i].tag == htole16(ACL_OTHER))
            list.entries[i].rights = 0;
    return fsetxattr(to, ACCESS_LIST, &list, (size_t)size, 0) == 0;
}

/* Whoever could not read the file that is replaced cannot read the new one: its group stays, with an access list that
 * says who in it may not; where that fails, or where a list lets in others, only the owner reads it, as when Hermes
 * writes it. Others never do. The mode of the new one. */
static mode_t keep_access(const struct replacement *r, mode_t mode)
{
    struct stat old;
    struct stat new;
    int from = openat(r->directory, r->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    (void)fremovexattr(r->file, ACCESS_LIST); /* that of its folder's new files */
    if (from < 0)
        return errno == ENOENT ? mode : mode & ~(mode_t)077;
    bool kept = fstat(from, &old) == 0 && fstat(r->file, &new) == 0 &&
                (old.st_gid == new.st_gid || fchown(r->file, (uid_t)-1, old.st_gid) == 0) &&
                copy_access_list(from, r->file);
    copy_attributes(from, r->file);
    (void)close(from);
    return mode & ~(mode_t)(kept ? 007 : 077);
}

static int write_temporary(struct replacement *r, const struct piece *pieces, size_t count, mode_t mode, bool durable)
{
    int error = -EAGAIN;
    for (int names = 0; error == -EAGAIN && names < MOST_NAMES; names++)
        error = create_temporary(r);
    if (error != 0)
        return error;
    error = write_pieces(r->file, pieces, count);
    if (error == 0 && r->linked)
        mode = keep_access(r, mode);
    if (error == 0 && mode != 0600 && fchmod(r->file, mode) < 0)
        error = -errno;
    if (error == 0 && durable) /* the disk works while we do; fsync has the last word */
        (void)sync_file_range(r->file, 0, 0, SYNC_FILE_RANGE_WRITE);
    return error == 0 && !durable ? close_file(r) : error;
}

static int prepare(struct replacement *r, const char *path, bool linked, const struct piece *pieces, size_t count,
                   mode_t mode, bool durable)
{
    char target[PATH_MAX];
    *r = REPLACEMENT_NONE;
    r->linked = linked;
    int error = resolve_target(path, linked, target);
    if (error == 0)
        error = open_parent(r, target);
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

/* An empty folder in the place of a file of ours, as container engines make one for what they are to mount, makes room.
 */
static int put_in_place(const struct replacement *r)
{
    if (renameat(r->directory, r->temporary, r->directory, r->name) == 0)
        return 0;
    if (errno != EISDIR || r->linked)
        return -errno;
    if (unlinkat(r->directory, r->name, AT_REMOVEDIR) < 0)
        return -EISDIR;
    return renameat(r->directory, r->temporary, r->directory, r->name) < 0 ? -errno : 0;
}

int replace_commit(struct replacement *r)
{
    int error = replace_flush(r);
    if (error != 0)
        return error;
    hold_displaced(r);
    error = put_in_place(r);
    if (error != 0)
        return error == -EBUSY && r->linked ? rewrite_in_place(r) : error;
    r->pending = false;
    close_lock(r);
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
    close_lock(r);
    if (r->displaced >= 0)
        (void)close(r->displaced);
    if (r->directory >= 0)
        (void)close(r->directory);
    r->displaced = r->directory = -1;
}

static int replace_whole(const char *path, bool linked, struct piece piece, mode_t mode)
{
    struct replacement r;
    int error = replace_prepare(&r, path, linked, &piece, 1, mode);
    if (error != 0)
        return error;
    error = replace_commit(&r);
    if (error == 0)
        error = replace_sync(&r);
    replace_abandon(&r);
    return error;
}

int replace_file(const char *path, const char *bytes, size_t len, mode_t mode)
{
    return replace_whole(path, false, (struct piece){bytes, len}, mode);
}

int replace_linked(const char *path, const char *bytes, size_t len, mode_t mode)
{
    return replace_whole(path, true, (struct piece){bytes, len}, mode);
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

static void remove_if_left(int directory, const char *name)
{
    int lock = strncmp(name, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) == 0 ? lock_temporary(directory, name) : -1;
    if (lock < 0)
        return;
    (void)unlinkat(directory, name, 0);
    (void)close(lock);
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
        remove_if_left(r.directory, entry->d_name);
    (void)closedir(directory);
}
