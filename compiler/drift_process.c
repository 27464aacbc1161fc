#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drift.h"

/* Environments and command lines are small; what is larger is cut and compared as far as it goes. */
enum { LONGEST = 256 * 1024 };

/* A file of /proc, whose size nobody knows before. */
static struct text read_proc(struct arena *arena, int process, const char *name)
{
    struct text out = {.arena = arena};
    char buffer[4096];
    int fd = openat(process, name, O_RDONLY | O_CLOEXEC);
    text_append(&out, "", 0);
    for (ssize_t got; fd >= 0 && out.len < LONGEST && (got = read(fd, buffer, sizeof buffer)) > 0;)
        text_append(&out, buffer, (size_t)got);
    if (fd >= 0)
        (void)close(fd);
    explicit_bzero(buffer, sizeof buffer);
    return out;
}

/* `python -m hermes_cli.main gateway run`, `hermes chat`, `.../gateway/run.py`; not the programs of this project. */
static bool runs_hermes(const struct text *cmdline)
{
    for (size_t at = 0; at < cmdline->len; at += strlen(cmdline->bytes + at) + 1) {
        const char *word = cmdline->bytes + at;
        const char *slash = strrchr(word, '/');
        const char *name = slash == NULL ? word : slash + 1;
        if (strncmp(word, "hermes_cli", 10) == 0 || strcmp(name, "hermes") == 0 || strcmp(name, "hermes-agent") == 0 ||
            strstr(word, "gateway/run.py") != NULL)
            return true;
    }
    return false;
}

static const char *variable_of(const struct text *variables, const char *name)
{
    size_t len = strlen(name);
    for (size_t at = 0; at < variables->len; at += strlen(variables->bytes + at) + 1)
        if (strncmp(variables->bytes + at, name, len) == 0 && variables->bytes[at + len] == '=')
            return variables->bytes + at + len + 1;
    return NULL;
}

static bool same_folder(const char *a, const char *b)
{
    struct stat left;
    struct stat right;
    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

static bool for_this_home(struct drift *drift, const struct text *variables)
{
    const char *home = variable_of(variables, "HERMES_HOME");
    const char *user = variable_of(variables, "HOME");
    if (home != NULL && *home != '\0')
        return same_folder(home, drift->home);
    return user != NULL && same_folder(arena_printf(drift->arena, "%s/.hermes", user), drift->home);
}

static void look_at(struct drift *drift, int process, const char *pid)
{
    struct text cmdline = read_proc(drift->arena, process, "cmdline");
    if (!runs_hermes(&cmdline))
        return;
    struct text variables = read_proc(drift->arena, process, "environ");
    if (!for_this_home(drift, &variables))
        return;
    const char *where = arena_printf(drift->arena, "process %s (Hermes)", pid);
    for (size_t at = 0; at < variables.len; at += strlen(variables.bytes + at) + 1)
        drift_assignment(drift, where, variables.bytes + at, strlen(variables.bytes + at),
                         "restart it; Hermes itself reads .env again with the next message");
}

void drift_processes(struct drift *drift)
{
    DIR *proc = opendir("/proc");
    uid_t me = geteuid();
    struct stat st;
    for (struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL;) {
        if (strspn(entry->d_name, "0123456789") != strlen(entry->d_name))
            continue;
        int process = openat(dirfd(proc), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (process >= 0 && fstat(process, &st) == 0 && st.st_uid == me)
            look_at(drift, process, entry->d_name);
        if (process >= 0)
            (void)close(process);
    }
    if (proc != NULL)
        (void)closedir(proc);
}
