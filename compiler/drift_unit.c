#include <fcntl.h>
#include <glob.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blank.h"
#include "drift.h"
#include "safe_read.h"

extern char **environ;

/* One word of systemd's syntax at *AT: quotes group, a backslash takes the next character as it is. "" at the end. */
static const char *next_word(struct arena *arena, const char **at)
{
    struct text word = {.arena = arena};
    char quote = '\0';
    text_append(&word, "", 0);
    *at += strspn(*at, " \t");
    for (; **at != '\0' && (quote != '\0' || strchr(" \t", **at) == NULL); (*at)++) {
        if (quote != '\0' ? **at == quote : **at == '"' || **at == '\'')
            quote = quote != '\0' ? '\0' : **at;
        else if (**at == '\\' && (*at)[1] != '\0')
            text_putc(&word, *++*at);
        else
            text_putc(&word, **at);
    }
    return word.bytes;
}

static void look_at_environment_file(struct drift *drift, const char *unit, const char *path)
{
    path += *path == '-'; /* it may be missing */
    if (strncmp(path, "%h", 2) == 0)
        path = arena_printf(drift->arena, "%s%s", drift->user_home, path + 2);
    struct safe_read read = safe_read(drift->arena, path, 0);
    if (read.status != SAFE_READ_OK)
        return;
    const char *where = arena_printf(drift->arena, "%s EnvironmentFile=%s", unit, path);
    for (size_t at = 0; at < read.len;) {
        size_t len = strcspn(read.bytes + at, "\n");
        const char *line = arena_strndup(drift->arena, read.bytes + at, len);
        const char *word = next_word(drift->arena, &line);
        drift_assignment(drift, where, word, strlen(word), "remove the line, and restart the unit");
        at += len + 1;
    }
}

static void look_at_line(struct drift *drift, const char *unit, const char *line)
{
    if (strncmp(line, "Environment=", 12) == 0) {
        line += 12;
        for (const char *word; *(word = next_word(drift->arena, &line)) != '\0';)
            drift_assignment(drift, arena_printf(drift->arena, "%s Environment=", unit), word, strlen(word),
                             "remove it there; systemctl --user daemon-reload; restart the unit");
    } else if (strncmp(line, "EnvironmentFile=", 16) == 0) {
        look_at_environment_file(drift, unit, line + 16);
    } else if (strncmp(line, "PassEnvironment=", 16) == 0) {
        drift_add(drift, (struct finding){.where = unit,
                                          .matters = false,
                                          .message = "PassEnvironment= hands on variables of the user manager",
                                          .help = "name them in .env instead"});
    }
}

static void look_at_unit(struct drift *drift, const char *path)
{
    struct safe_read read = safe_read(drift->arena, path, 0);
    if (read.status != SAFE_READ_OK)
        return;
    for (size_t at = 0; at < read.len;) {
        size_t len = strcspn(read.bytes + at, "\n");
        size_t stripped;
        const char *line = strip_blanks(read.bytes + at, len, &stripped);
        look_at_line(drift, path, arena_strndup(drift->arena, line, stripped));
        at += len + 1;
    }
}

static void look_at_all(struct drift *drift, const char *pattern)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        look_at_unit(drift, arena_strdup(drift->arena, found.gl_pathv[i])); /* the findings outlive the glob */
    globfree(&found);
}

/* What `systemctl --user import-environment` put there, and services inherit. It is in no file. */
static void look_at_manager(struct drift *drift)
{
    static const char *const command[] = {"systemctl", "--user", "show-environment", NULL};
    posix_spawn_file_actions_t actions;
    struct text out = {.arena = drift->arena};
    int pipe_ends[2];
    pid_t child;
    char buffer[4096];
    if (getenv("XDG_RUNTIME_DIR") == NULL || pipe2(pipe_ends, O_CLOEXEC) < 0)
        return;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int error = posix_spawnp(&child, command[0], &actions, NULL, (char *const *)command, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(pipe_ends[1]);
    for (ssize_t got; error == 0 && (got = read(pipe_ends[0], buffer, sizeof buffer)) > 0;)
        text_append(&out, buffer, (size_t)got);
    explicit_bzero(buffer, sizeof buffer);
    (void)close(pipe_ends[0]);
    if (error == 0)
        (void)waitpid(child, NULL, 0);
    for (const char *line = out.bytes; line != NULL && *line != '\0';) {
        size_t len = strcspn(line, "\n");
        size_t name = strcspn(line, "=");
        drift_assignment(
            drift, "the user manager's environment", line, len,
            arena_printf(drift->arena, "systemctl --user unset-environment %.*s", (int)(name < len ? name : 0), line));
        line += len + (line[len] == '\n');
    }
}

void drift_units(struct drift *drift)
{
    static const char *const folders[] = {"/.config/systemd/user", "/.local/share/systemd/user"};
    static const char *const system_folders[] = {"/etc/systemd/user", "/etc/systemd/system", "/usr/lib/systemd/user",
                                                 "/usr/local/lib/systemd/user"};
    static const char *const units[] = {"hermes*.service", "hermes*.service.d/*.conf"};
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; *drift->user_home != '\0' && i < sizeof folders / sizeof *folders; i++)
            look_at_all(drift, arena_printf(drift->arena, "%s%s/%s", drift->user_home, folders[i], units[k]));
        for (size_t i = 0; i < sizeof system_folders / sizeof *system_folders; i++)
            look_at_all(drift, arena_printf(drift->arena, "%s/%s", system_folders[i], units[k]));
    }
    look_at_manager(drift);
}
