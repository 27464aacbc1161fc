#include "guarded_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <sodium.h>

#include "hermes_runtime.h"

struct moment guarded_file_moment(const struct stat *st)
{
    return (struct moment){st->st_dev, st->st_ino, st->st_size, st->st_mtim};
}

bool guarded_file_same(const struct moment *a, const struct moment *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

bool guarded_file_unsafe(const struct stat *st)
{
    uid_t me = geteuid();
    bool mine = st->st_uid == me || st->st_uid == 0 || me == 0;
    return !S_ISREG(st->st_mode) || !mine || (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

static int read_all(int fd, char *bytes, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t got = read(fd, bytes + done, len - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return HERMES_CORRUPT;
        done += (size_t)got;
    }
    return 0;
}

int guarded_file_read(const char *path, struct moment *ret_moment, char **ret_bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? HERMES_ABSENT
               : errno == ENXIO                    ? HERMES_UNSAFE /* a socket */
                                                   : -errno;
    int error = fstat(fd, &st) < 0 ? -errno : guarded_file_unsafe(&st) ? HERMES_UNSAFE : 0;
    if (error == 0) {
        char *bytes = sodium_init() < 0 ? NULL : sodium_malloc((size_t)st.st_size + 1);
        error = bytes == NULL ? -ENOMEM : read_all(fd, bytes, (size_t)st.st_size);
        if (error == 0) {
            bytes[st.st_size] = '\0';
            *ret_moment = guarded_file_moment(&st);
            *ret_bytes = bytes;
        } else {
            sodium_free(bytes);
        }
    }
    (void)close(fd);
    return error;
}
