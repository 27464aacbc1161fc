#include "child_program.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_there(const char *own, const char *folder, const char *name, char path[PATH_MAX])
{
    const int len = (int)(strrchr(own, '/') - own);
    return snprintf(path, PATH_MAX, "%.*s/%s%s%s", len, own, folder, *folder == '\0' ? "" : "/", name) < PATH_MAX &&
           access(path, X_OK) == 0;
}

bool child_program_find(const char *name, const char *folder, char path[PATH_MAX])
{
    char own[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    if (len <= 0)
        return false;
    own[len] = '\0';
    return is_there(own, "", name, path) || (folder != NULL && is_there(own, folder, name, path));
}

int child_program_start(const char *path, char *const argv[], char *const environment[], struct child_streams streams,
                        pid_t *ret)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawn_file_actions_adddup2(&files, streams.input, STDIN_FILENO);
    (void)posix_spawn_file_actions_adddup2(&files, streams.output, STDOUT_FILENO);
    if (streams.errors >= 0)
        (void)posix_spawn_file_actions_adddup2(&files, streams.errors, STDERR_FILENO);
    int error = posix_spawn(ret, path, &files, &attributes, argv, environment);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attributes);
    return -error;
}
