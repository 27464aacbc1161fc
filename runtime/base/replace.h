/* The one way a file is replaced: written beside the target (O_EXCL, 0600), made durable, then renamed over it.
 *
 *     struct replacement r;
 *     int error = replace_prepare(&r, path, false, pieces, count, 0600);   written; nothing visible yet
 *     if (error == 0)
 *         error = replace_flush(&r);                             fsync; the commit does it where nobody did
 *     if (error == 0)
 *         error = replace_commit(&r);                            rename
 *     if (error == 0)
 *         error = replace_sync(&r);                              fsync of the directory
 *     replace_abandon(&r);                                       removes what was not committed; always safe
 *
 * In steps so that two files that belong together can be written at the same time, and both be durable before either
 * becomes visible. All return 0 or a negative errno. */
#ifndef HERMES_REPLACE_H
#define HERMES_REPLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "must_check.h"

struct replacement {
    int directory; /* descriptor, -1 when closed */
    int file;      /* likewise: what is not durable yet */
    int lock;      /* likewise: holds the temporary file's lock, by which others see that somebody is at it */
    int displaced; /* likewise: what the commit put out of its place. Freeing it takes the file system as long as the
                      rename, so it is kept until somebody has the time: a caller may take it, and close it later */
    bool pending;  /* the temporary file exists */
    bool linked;
    struct stat left; /* after the commit: of what it put there, whatever lies there by now; its ctime may be another */
    char name[NAME_MAX + 1];
    char temporary[NAME_MAX + 1];
};

#define REPLACEMENT_NONE ((struct replacement){.directory = -1, .file = -1, .lock = -1, .displaced = -1})

/* A text need not lie in one place to be written. */
struct piece {
    const char *bytes;
    size_t len;
};

/* The file is to hold the PIECES, one behind the other. LINKED: when PATH is a link, the regular file behind it is
 * replaced and the link stays, and the new file keeps the group and the attributes of the old one: where the
 * group cannot be kept, or an access list stood there, it is its owner's alone, and others never read it, whatever MODE
 * says. Otherwise whatever stands at PATH makes room, a link itself included. */
int replace_prepare(struct replacement *r, const char *path, bool linked, const struct piece *pieces, size_t count,
                    mode_t mode) MUST_CHECK;
int replace_flush(struct replacement *r) MUST_CHECK;
/* The rename. A LINKED target that is a mount of its own (EBUSY) is rewritten where it stands, which the caller's lock
 * must cover; what is written lies beside it as NAME.hermes-compile-copy until the target is whole and durable. */
int replace_commit(struct replacement *r) MUST_CHECK;
int replace_sync(struct replacement *r) MUST_CHECK;
void replace_abandon(struct replacement *r);

/* All three steps, for a file of our own: a link in its place makes room. */
int replace_file(const char *path, const char *bytes, size_t len, mode_t mode) MUST_CHECK;
/* The same for a file of the user's, whose path may be a link. */
int replace_linked(const char *path, const char *bytes, size_t len, mode_t mode) MUST_CHECK;

/* The copy that a killed process left beside PATH while it rewrote it where it stands; -ENOENT: there is none. */
int replace_find_copy(const char *path, char copy[PATH_MAX]) MUST_CHECK;

/* For what is worth nothing after a crash of the machine: as atomic, 0600, but nothing is waited for. */
int replace_passing(const char *path, const char *bytes, size_t len) MUST_CHECK;

/* Removes the temporary files that killed processes left beside PATH, whatever they were to replace: those that nobody
 * holds the lock of. */
void replace_clean(const char *path, bool linked);

#endif
