#include "compile_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena.h"
#include "file_lock.h"
#include "home_check.h"
#include "lock_holder.h"
#include "shell_word.h"
#include "snapshot_format.h"

/* Makes the folder, durably; what is published into it must not go with it. */
static int make_folder(const char *home, const char *path)
{
    if (mkdir(path, 0700) < 0)
        return errno == EEXIST ? 0 : -errno;
    int fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = fsync(fd) < 0 ? -errno : 0;
    (void)close(fd);
    return error;
}

/* The folder, and the files in it, which `chmod -R` opened with it. */
static int tighten(const char *path)
{
    struct stat st;
    int error = chmod(path, 0700) < 0 ? -errno : 0;
    DIR *directory = error == 0 ? opendir(path) : NULL;
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        bool open = fstatat(dirfd(directory), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
                    (st.st_mode & 077) != 0;
        if (open && fchmodat(dirfd(directory), entry->d_name, 0600, 0) < 0)
            error = -errno;
    }
    if (directory != NULL)
        (void)closedir(directory);
    return error;
}

/* Ours alone: no link that another user put in its place, no folder of theirs. 0 or a negative errno. */
static int own_folder(const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return -errno;
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return -EPERM;
    if (stat(path, &st) < 0)
        return -errno;
    if (!S_ISDIR(st.st_mode))
        return -ENOTDIR;
    if (st.st_uid != geteuid() && st.st_uid != 0) /* where a link of our own leads */
        return -EPERM;
    return (st.st_mode & 077) != 0 ? tighten(path) : 0; /* keys lie in it */
}

/* In a folder that is ours alone, what is no file makes room for one. */
static bool make_room(const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0 || S_ISREG(st.st_mode))
        return false;
    return (S_ISDIR(st.st_mode) ? rmdir(path) : unlink(path)) == 0;
}

bool compile_lock_folder_is_ours(const char *home)
{
    char path[PATH_MAX];
    return snprintf(path, sizeof path, "%s/" SNAPSHOT_DIRECTORY, home) < (int)sizeof path && own_folder(path) == 0;
}

int compile_lock_open(const char *path)
{
    int fd = file_lock_open(path);
    return fd < 0 && make_room(path) ? file_lock_open(path) : fd;
}

int compile_lock(const char *home, int wait_ms)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/" COMPILE_LOCK_FILE, home) >= (int)sizeof path)
        return -ENAMETOOLONG;
    char *slash = strrchr(path, '/');
    *slash = '\0';
    int error = make_folder(home, path);
    if (error == 0)
        error = own_folder(path);
    if (error != 0)
        return error;
    *slash = '/';
    return file_lock_opened(compile_lock_open(path), wait_ms);
}

void compile_lock_say(struct diagnostics *list, const char *home, int error)
{
    if (error != -EWOULDBLOCK) {
        const char *folder = arena_printf(list->arena, "%s/" SNAPSHOT_DIRECTORY, home);
        struct diagnostic *d = diagnostic_add(list, CODE_WRITE_FAILED, (struct place){0}, "%s cannot be used: %s",
                                              folder, strerror(-error));
        struct stat st;
        const bool link = lstat(folder, &st) == 0 && S_ISLNK(st.st_mode);
        const char *help = link ? arena_printf(list->arena, "user %u made it, a link: rm %s", st.st_uid,
                                               shell_word(list->arena, folder))
                                : home_check_take_back(list->arena, folder);
        diagnostic_help(list, d, "%s%s", help == NULL ? "ls -ld " : help, help == NULL ? folder : "");
        return;
    }
    const char *path = arena_printf(list->arena, "%s/" COMPILE_LOCK_FILE, home);
    struct diagnostic *d = diagnostic_add(list, CODE_HOME_LOCKED, (struct place){0},
                                          "another process is still compiling this home: %s is locked", path);
    lock_holder_note(list, d, path);
    diagnostic_help(list, d, "let it finish, or end it, and try again");
}
