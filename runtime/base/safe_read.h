/* The one way a file that people edit, or that another program owns, is read.
 *
 * Safe means: opened without following a link that another user planted, only when it is a regular file that belongs
 * to this user or root and that not everyone may write, never larger than SAFE_READ_LIMIT, and never half written:
 * under a read lease, which is granted only while nobody has the file open for writing. Where there are no leases
 * (another user's file, NFS) or where they know only half of the writers (FUSE), it must hold still instead. Whoever
 * opens the file for writing meanwhile waits until it is read, and this process is not harmed by the signal that tells
 * of it. */
#ifndef HERMES_SAFE_READ_H
#define HERMES_SAFE_READ_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

struct arena;

enum { SAFE_READ_LIMIT = 16 * 1024 * 1024, SAFE_READ_QUIET_MS = 200 };

enum safe_read_status {
    SAFE_READ_OK,
    SAFE_READ_ABSENT,         /* no such file, or a link to nothing */
    SAFE_READ_NOT_A_FILE,     /* a directory, a device, a socket */
    SAFE_READ_FOREIGN_OWNER,  /* belongs to neither this user nor root; `owner` says to whom */
    SAFE_READ_FOREIGN_LINK,   /* reached through a link that another user made in a place others may write */
    SAFE_READ_WORLD_WRITABLE, /* mode has o+w */
    SAFE_READ_TOO_LARGE,      /* `size` says how large */
    SAFE_READ_BUSY,           /* some process still has it open for writing, or it would not hold still */
    SAFE_READ_FAILED,         /* `error` holds the errno */
};

struct safe_read {
    enum safe_read_status status;
    const char *bytes; /* len bytes and a NUL after them, in the arena; NULL unless OK */
    size_t len;
    off_t size;
    uid_t owner;
    gid_t group;
    mode_t mode;
    struct stat moment; /* OK: of the very bytes */
    int error;
};

/* Never fails as a call: what happened is in the status. WAIT_MS is how long a writer may go on before BUSY is said
 * (0: do not wait at all). For files that every writer replaces whole. */
struct safe_read safe_read(struct arena *arena, const char *path, int wait_ms);
/* The same for files that people edit in place: without a lease, one that changed within SAFE_READ_QUIET_MS is BUSY. A
 * writer that pauses longer cannot be told from one that is done. */
struct safe_read safe_read_edited(struct arena *arena, const char *path, int wait_ms);

#endif
