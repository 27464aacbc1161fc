#include "read_source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "safe_read.h"
#include "shell_word.h"

const char *source_kind_name(enum source_kind kind)
{
    static const char *const names[] = {"config",    "managed-config", "env",    "managed-env",
                                        "extra-env", "fleet-env",      "op-env", "pool"};
    return names[kind];
}

/* Making the file that it leads to would be a guess. */
static bool is_link(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static enum read_outcome refuse(struct diagnostics *diagnostics, const struct source *source,
                                const struct safe_read *read)
{
    struct place place = {.source = source};
    struct diagnostic *d;
    switch (read->status) {
    case SAFE_READ_ABSENT:
        d = diagnostic_add_as(diagnostics, SEVERITY_ERROR, CODE_POOL_UNREADABLE, place,
                              "%s is a link to a file that does not exist; it is not changed", source->label);
        diagnostic_help(diagnostics, d, "rm %s, or restore the file that it links to",
                        shell_word(diagnostics->arena, source->path));
        return READ_REFUSED;
    case SAFE_READ_NOT_A_FILE:
        d = diagnostic_add(diagnostics, CODE_NOT_A_FILE, place, "%s is %s, not a file", source->label,
                           S_ISDIR(read->mode) || read->size != 0 ? "a directory" : "something else");
        diagnostic_help(diagnostics, d, "move it away and put the file in its place");
        return READ_REFUSED;
    case SAFE_READ_FOREIGN_OWNER:
        d = diagnostic_add(diagnostics, CODE_UNSAFE_OWNER, place,
                           "%s belongs to user %u, who is neither you nor root (mode %04o)", source->label, read->owner,
                           read->mode);
        diagnostic_help(diagnostics, d, "chown it to yourself after reading it");
        return READ_REFUSED;
    case SAFE_READ_FOREIGN_LINK:
        (void)diagnostic_add(diagnostics, CODE_UNSAFE_LINK, place,
                             "%s is reached through a link that another user made", source->label);
        return READ_REFUSED;
    case SAFE_READ_WORLD_WRITABLE:
        d = diagnostic_add(diagnostics, CODE_UNSAFE_MODE, place,
                           "anyone may write to %s (mode %04o, owner %u): its keys could come from anyone",
                           source->label, read->mode, read->owner);
        diagnostic_help(diagnostics, d, "chmod o-w %s", shell_word(diagnostics->arena, source->path));
        return READ_REFUSED;
    case SAFE_READ_TOO_LARGE:
        d = diagnostic_add(diagnostics, CODE_TOO_LARGE, place, "%s has %lld bytes; the limit is %d MiB", source->label,
                           (long long)read->size, SAFE_READ_LIMIT / (1024 * 1024));
        diagnostic_help(diagnostics, d, "ls -l %s, and find out what writes to it",
                        shell_word(diagnostics->arena, source->path));
        return READ_REFUSED;
    default:
        d = diagnostic_add(diagnostics, CODE_UNREADABLE, place, "%s cannot be read: %s", source->label,
                           strerror(read->error));
        diagnostic_help(diagnostics, d, "ls -l %s", shell_word(diagnostics->arena, source->path));
        return READ_FAILED;
    }
}

void read_source_warn_readable(struct diagnostics *diagnostics, const struct source *source)
{
    if ((source->mode & S_IROTH) == 0 || source->in_work_tree)
        return;
    struct diagnostic *d = diagnostic_add(diagnostics, CODE_READABLE_BY_OTHERS, (struct place){.source = source},
                                          "anyone may read %s (mode %04o)", source->label, source->mode);
    diagnostic_help(diagnostics, d, "chmod 600 %s", shell_word(diagnostics->arena, source->path));
}

/* Debian's umask makes files writable by the user's own group: that is no news. */
static void warn_modes(struct diagnostics *diagnostics, const struct source *source)
{
    bool own_group = source->group == getegid();
    struct place place = {.source = source};
    if ((source->mode & S_IWGRP) != 0 && !own_group && !source->in_work_tree) {
        struct diagnostic *d =
            diagnostic_add(diagnostics, CODE_GROUP_WRITABLE, place, "group %u may write to %s (mode %04o)",
                           source->group, source->label, source->mode);
        diagnostic_help(diagnostics, d, "chmod g-w %s", shell_word(diagnostics->arena, source->path));
    }
    bool holds_keys = source->kind == SOURCE_ENV || source->kind == SOURCE_EXTRA_ENV || source->kind == SOURCE_OP_ENV ||
                      source->kind == SOURCE_POOL;
    if (holds_keys && source->len > 0)
        read_source_warn_readable(diagnostics, source);
}

/* A file without a name is one that was replaced while it was read; one that its own path leads to is a mount. */
static void warn_mounted_alone(struct diagnostics *diagnostics, const struct source *source)
{
    struct stat st;
    if (source->moment.st_nlink > 0 || stat(source->path, &st) < 0 || st.st_nlink > 0 ||
        st.st_ino != source->moment.st_ino || st.st_dev != source->moment.st_dev)
        return;
    struct diagnostic *d = diagnostic_add(
        diagnostics, CODE_MOUNTED_ALONE, (struct place){.source = source},
        "%s is mounted as a single file and was replaced outside: edits no longer arrive", source->label);
    diagnostic_help(diagnostics, d, "mount the directory that contains it");
}

enum read_outcome read_source(struct arena *arena, struct source *source, int wait_ms, struct diagnostics *diagnostics)
{
    struct timespec before = clock_wall_time();
    struct safe_read read = source->kind == SOURCE_POOL || source->kind == SOURCE_FLEET_ENV
                                ? safe_read(arena, source->path, wait_ms)
                                : safe_read_edited(arena, source->path, wait_ms);
    source->present = read.status == SAFE_READ_OK;
    source->bytes = read.status == SAFE_READ_OK ? read.bytes : "";
    source->len = read.len;
    source->mode = read.mode;
    source->moment = read.moment;
    source->read_at = before;
    source->group = read.group;
    switch (read.status) {
    case SAFE_READ_OK:
        warn_modes(diagnostics, source);
        warn_mounted_alone(diagnostics, source);
        return READ_OK;
    case SAFE_READ_ABSENT:
        return source->kind == SOURCE_POOL && is_link(source->path) ? refuse(diagnostics, source, &read) : READ_OK;
    case SAFE_READ_BUSY:
        return READ_BUSY;
    default:
        return refuse(diagnostics, source, &read);
    }
}

/* Longer than the clock of any file system stands still. */
#define TICK_S 0.1

static double seconds(struct timespec time)
{
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* It is opened for that: NFS looks for what is new at an open only. */
bool read_source_is_current(const struct source *source)
{
    const struct stat *then = &source->moment;
    struct stat now = {0};
    int fd = source->present ? open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
    bool seen = fd >= 0 && fstat(fd, &now) == 0;
    if (fd >= 0)
        (void)close(fd);
    return seen && then->st_dev == now.st_dev && then->st_ino == now.st_ino && then->st_size == now.st_size &&
           then->st_mode == now.st_mode && same_time(then->st_mtim, now.st_mtim) &&
           same_time(then->st_ctim, now.st_ctim) && seconds(source->read_at) - seconds(now.st_ctim) > TICK_S;
}

bool read_source_denied(const struct source *source)
{
    return access(source->path, R_OK) < 0 && errno == EACCES;
}
