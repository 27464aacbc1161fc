#include "home_check.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena.h"
#include "diagnostic.h"
#include "shell_word.h"
#include "snapshot_format.h"

static bool refuse(struct diagnostics *list, const char *home, const char *why)
{
    struct diagnostic *d =
        diagnostic_add(list, CODE_NO_HOME, (struct place){0}, "there is no Hermes home %s: %s", home, why);
    diagnostic_help(list, d,
                    strstr(home, "/~") != NULL ? "the ~ was not expanded: write $HOME, or the whole path"
                                               : "name the Hermes home with --home or HERMES_HOME");
    return false;
}

/* The user's own group is Debian's umask, and no news. */
static void warn_writable(struct diagnostics *list, const char *folder, const struct stat *st)
{
    const bool everyone = (st->st_mode & S_IWOTH) != 0;
    if (!everyone && ((st->st_mode & S_IWGRP) == 0 || st->st_gid == getegid()))
        return;
    const char *who = everyone ? "everyone" : arena_printf(list->arena, "group %u", st->st_gid);
    struct diagnostic *d = diagnostic_add(list, CODE_GROUP_WRITABLE, (struct place){0},
                                          "%s may write to %s (mode %04o)", who, folder, st->st_mode & 07777);
    diagnostic_help(list, d, "chmod go-w %s", shell_word(list->arena, folder));
}

bool home_check(const char *home, struct diagnostics *list)
{
    struct stat st;
    if (stat(home, &st) < 0)
        return refuse(list, home, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return refuse(list, home, strerror(ENOTDIR));
    if (st.st_uid == geteuid()) {
        const char *compiled = arena_printf(list->arena, "%s/" SNAPSHOT_DIRECTORY, home);
        warn_writable(list, home, &st);
        if (lstat(compiled, &st) == 0 && S_ISDIR(st.st_mode))
            warn_writable(list, compiled, &st);
        return true;
    }
    struct diagnostic *d = diagnostic_add(list, CODE_FOREIGN_HOME, (struct place){0},
                                          "%s belongs to user %u; only its owner may compile it", home, st.st_uid);
    const struct passwd *owner = getpwuid(st.st_uid);
    if (owner != NULL)
        diagnostic_help(list, d, "sudo -u %s hermes-compile --home %s", owner->pw_name, shell_word(list->arena, home));
    return false;
}

const char *home_check_take_back(struct arena *arena, const char *path)
{
    struct stat st;
    const struct passwd *user = getpwuid(geteuid());
    if (user == NULL || lstat(path, &st) < 0 || st.st_uid == geteuid())
        return NULL;
    return arena_printf(arena, "it belongs to user %u: sudo chown -R %s %s", st.st_uid, user->pw_name,
                        shell_word(arena, path));
}
