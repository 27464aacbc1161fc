#include "install.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file_lock.h"
#include "proc_file.h"
#include "replace.h"
#include "safe_read.h"
#include "snapshot_format.h"
#include "watch_unit.h"

#define UNIT   "hermes-watch.service"
#define MARKER "# Written by hermes-watch --install.\n"

extern char **environ;

/* --- the unit --- */

/* As one word of ExecStart= or Environment=: in quotes, with nothing in it that systemd would replace. */
static void put_word(struct text *out, const char *word, bool command)
{
    text_putc(out, '"');
    for (; *word != '\0'; word++) {
        if (*word == '"' || *word == '\\')
            text_putc(out, '\\');
        if (*word == '%' || (*word == '$' && command))
            text_putc(out, *word);
        text_putc(out, *word);
    }
    text_putc(out, '"');
}

static bool is_default_home(struct arena *arena, const char *home)
{
    const char *user = getenv("HOME");
    return user != NULL && strcmp(home, arena_printf(arena, "%s/.hermes", user)) == 0;
}

static void put_command(struct text *out, const char *program, const struct install *what)
{
    text_puts(out, "ExecStart=");
    put_word(out, program, false); /* systemd replaces no variable in a program's path */
    bool usual = what->home_count == 1 && is_default_home(out->arena, what->homes[0]);
    for (size_t i = 0; i < what->home_count && !usual; i++) {
        text_puts(out, " --home ");
        put_word(out, what->homes[i], true);
    }
    text_puts(out, what->profiles ? " --profiles" : "");
    text_puts(out, what->quiet ? " --quiet" : "");
    if (what->managed != NULL) {
        text_puts(out, "\nEnvironment=");
        put_word(out, arena_printf(out->arena, "HERMES_MANAGED_DIR=%s", what->managed), false);
    }
}

/* The unit as it is installed for everybody, with another ExecStart=. */
static struct text unit_text(struct arena *arena, const char *program, const struct install *what)
{
    static const char line[] = "\nExecStart=";
    struct text out = {.arena = arena};
    const char *found = strstr(watch_unit, line);
    text_puts(&out, MARKER);
    text_append(&out, watch_unit, (size_t)(found - watch_unit) + 1);
    put_command(&out, program, what);
    text_puts(&out, found + 1 + strcspn(found + 1, "\n"));
    return out;
}

/* --- where it lies --- */

static const char *unit_path(struct arena *arena)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *user = getenv("HOME");
    if (config != NULL && *config == '/')
        return arena_printf(arena, "%s/systemd/user/" UNIT, config);
    if (user != NULL && *user == '/')
        return arena_printf(arena, "%s/.config/systemd/user/" UNIT, user);
    (void)fputs("hermes-watch: no home folder: set HOME\n", stderr);
    return NULL;
}

static bool make_parents(struct arena *arena, const char *path)
{
    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/'))
        if (mkdir(arena_strndup(arena, path, (size_t)(slash - path)), 0755) < 0 && errno != EEXIST)
            return false;
    return true;
}

enum standing { NOTHING, OURS, SAME, FOREIGN };

/* What stands at PATH; SAME: it is ours and says just this. */
static enum standing look_at(struct arena *arena, const char *path, const struct text *wanted)
{
    struct safe_read read = safe_read(arena, path, 0);
    struct stat st;
    if (lstat(path, &st) < 0)
        return NOTHING;
    if (read.status != SAFE_READ_OK || strncmp(read.bytes, MARKER, strlen(MARKER)) != 0)
        return FOREIGN;
    return wanted != NULL && wanted->len == read.len && memcmp(wanted->bytes, read.bytes, read.len) == 0 ? SAME : OURS;
}

static bool say_foreign(const char *path)
{
    (void)fprintf(stderr,
                  "hermes-watch: %s was not written by --install; it is left alone. Move it away, or change it with "
                  "`systemctl --user edit --full " UNIT "`\n",
                  path);
    return false;
}

/* --- systemctl --- */

static bool manager_runs(struct arena *arena)
{
    struct stat st;
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    return runtime != NULL && stat(arena_printf(arena, "%s/systemd/private", runtime), &st) == 0;
}

static bool run(const char *const *command, bool really)
{
    pid_t child;
    int status = -1;
    for (const char *const *word = command; *word != NULL; word++)
        (void)printf("%s%s", word == command ? "" : " ", *word);
    (void)putchar('\n');
    (void)fflush(stdout);
    if (!really)
        return true;
    int error = posix_spawnp(&child, command[0], NULL, NULL, (char *const *)command, environ);
    if (error != 0)
        (void)fprintf(stderr, "hermes-watch: %s: %s\n", command[0], strerror(error));
    return error == 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool systemctl(bool really, const char *verb, const char *unit)
{
    const char *const command[] = {"systemctl", "--user", verb, unit, NULL};
    return run(command, really);
}

static void say_there_is_no_manager(void)
{
    (void)puts("No user manager runs here (XDG_RUNTIME_DIR); when you are logged in, run:");
}

/* Services of a user end with the last session, unless... */
static void say_linger(struct arena *arena)
{
    const struct passwd *user = getpwuid(geteuid());
    struct stat st;
    if (user != NULL && stat(arena_printf(arena, "/var/lib/systemd/linger/%s", user->pw_name), &st) < 0)
        (void)puts("It ends when you log out. To keep it running: loginctl enable-linger");
}

/* Whether each home is watched by a process of this very program that was started after the unit at PATH was
 * written. */
static bool runs_as_written(struct arena *arena, const char *path, const struct install *what)
{
    struct stat unit;
    struct stat own;
    struct stat other;
    if (stat(path, &unit) < 0 || stat("/proc/self/exe", &own) < 0)
        return false;
    double written = (double)unit.st_ctim.tv_sec + (double)unit.st_ctim.tv_nsec / 1e9;
    for (size_t i = 0; i < what->home_count; i++) {
        pid_t process = file_lock_holder(arena_printf(arena, "%s/" WATCH_LOCK_FILE, what->homes[i]));
        if (process == 0 || proc_file_started(process) <= written ||
            stat(arena_printf(arena, "/proc/%ld/exe", (long)process), &other) < 0 || own.st_dev != other.st_dev ||
            own.st_ino != other.st_ino)
            return false;
    }
    return true;
}

bool install_unit(struct arena *arena, const struct install *what)
{
    char program[PATH_MAX] = "";
    const char *path = unit_path(arena);
    if (path == NULL || readlink("/proc/self/exe", program, sizeof program - 1) < 0)
        return false;
    struct text unit = unit_text(arena, program, what);
    enum standing standing = look_at(arena, path, &unit);
    if (standing == FOREIGN)
        return say_foreign(path);
    int error = standing == SAME            ? 0
                : make_parents(arena, path) ? replace_linked(path, unit.bytes, unit.len, 0644)
                                            : -errno;
    if (error != 0) {
        (void)fprintf(stderr, "hermes-watch: %s: %s\n", path, strerror(-error));
        return false;
    }
    (void)printf("%s %s\n", path, standing == SAME ? "is unchanged" : "was written");
    for (size_t i = 0; i < what->home_count; i++)
        if (access(what->homes[i], F_OK) < 0)
            (void)printf("%s does not exist yet; hermes-watch waits for it\n", what->homes[i]);
    bool really = manager_runs(arena);
    if (!really)
        say_there_is_no_manager();
    const char *verb = standing == SAME && runs_as_written(arena, path, what) ? "start" : "restart";
    bool done = systemctl(really, "daemon-reload", NULL) && systemctl(really, "enable", UNIT) &&
                (!what->now || systemctl(really, verb, UNIT));
    if (done && really)
        say_linger(arena);
    return done;
}

bool install_undo(struct arena *arena)
{
    const char *path = unit_path(arena);
    if (path == NULL)
        return false;
    enum standing standing = look_at(arena, path, NULL);
    if (standing == FOREIGN)
        return say_foreign(path);
    if (standing == NOTHING) {
        (void)printf("%s is not there; nothing to do\n", path);
        return true;
    }
    bool really = manager_runs(arena);
    bool done = !really || (systemctl(really, "stop", UNIT) && systemctl(really, "disable", UNIT));
    if (unlink(path) < 0 && errno != ENOENT) { /* `disable` removes one that is a link */
        (void)fprintf(stderr, "hermes-watch: %s: %s\n", path, strerror(errno));
        return false;
    }
    (void)printf("%s was removed\nThe pool keeps hermes-watch's entries; hermes-compile --withdraw removes them.\n",
                 path);
    if (!really) {
        say_there_is_no_manager();
        done = systemctl(really, "stop", UNIT) && systemctl(really, "disable", UNIT);
    }
    return systemctl(really, "daemon-reload", NULL) && done;
}
