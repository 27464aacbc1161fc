/* Reads a file that this project itself replaces: whole, into guarded memory, and only when nobody else can have
 * written it. */
#ifndef HERMES_GUARDED_FILE_H
#define HERMES_GUARDED_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "must_check.h"

/* What tells one version of a file from the next: rename always changes the inode. */
struct moment {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};
struct moment guarded_file_moment(const struct stat *st);
bool guarded_file_same(const struct moment *a, const struct moment *b);

/* No regular file, somebody else's, or one that others may write. */
bool guarded_file_unsafe(const struct stat *st);

/* The whole file and a NUL; *RET_BYTES goes back with sodium_free. 0, HERMES_ABSENT, HERMES_UNSAFE, HERMES_CORRUPT (it
 * shrank meanwhile) or a negative errno. */
int guarded_file_read(const char *path, struct moment *ret_moment, char **ret_bytes) MUST_CHECK;

#endif
