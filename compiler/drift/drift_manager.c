#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "drift_looks.h"

extern char **environ;

/* A user's systemd that runs has this socket; without it nobody is asked, and nothing is started. */
static bool manager_runs(void)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char path[4096];
    return runtime != NULL && snprintf(path, sizeof path, "%s/systemd/private", runtime) < (int)sizeof path &&
           access(path, F_OK) == 0;
}

/* What `systemctl --user import-environment` put there, and services inherit. It is in no file. */
struct drift_manager_question drift_manager_ask(void)
{
    static const char *const command[] = {"systemctl", "--user", "show-environment", NULL};
    struct drift_manager_question question = {.fd = -1, .asked_ms = clock_monotonic_us() / 1000};
    posix_spawn_file_actions_t actions;
    int pipe_ends[2];
    if (!manager_runs() || pipe2(pipe_ends, O_CLOEXEC) < 0)
        return question;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int error = posix_spawnp(&question.child, command[0], &actions, NULL, (char *const *)command, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(pipe_ends[1]);
    if (error == 0)
        question.fd = pipe_ends[0];
    else
        (void)close(pipe_ends[0]);
    return question;
}

/* False: it did not say all in time. */
static bool hear_out(const struct drift_manager_question *question, struct text *out)
{
    char buffer[4096];
    ssize_t got = -1;
    for (long long left; (left = question->asked_ms + MANAGER_PATIENCE_MS - clock_monotonic_us() / 1000) > 0;) {
        struct pollfd ready = {.fd = question->fd, .events = POLLIN};
        if (poll(&ready, 1, (int)left) <= 0)
            break;
        got = read(question->fd, buffer, sizeof buffer);
        if (got <= 0)
            break;
        text_append(out, buffer, (size_t)got);
    }
    explicit_bzero(buffer, sizeof buffer);
    return got == 0;
}

static void take_lines(struct drift *drift, const struct text *out)
{
    struct assignment seen = {.where = "the user manager's environment",
                              .print = "systemctl --user show-environment | grep '^{}='",
                              .drop = "systemctl --user unset-environment {}"};
    for (const char *line = out->bytes; line != NULL && *line != '\0';) {
        size_t len = strcspn(line, "\n");
        const char *equals = memchr(line, '=', len);
        if (equals != NULL) {
            seen.name = arena_strndup(drift->arena, line, (size_t)(equals - line));
            seen.len = len - (size_t)(equals - line) - 1;
            /* what needs quotes is printed as the shell would take it: that is not the value */
            seen.value = equals[1] == '$' || equals[1] == '"' ? NULL : equals + 1;
            drift_assignments_add(drift->arena, &drift->manager, seen);
        }
        line += len + (line[len] == '\n');
    }
}

static void end(struct drift_manager_question *question, bool whole)
{
    (void)close(question->fd);
    question->fd = -1;
    if (!whole)
        (void)kill(question->child, SIGKILL);
    while (waitpid(question->child, NULL, 0) < 0 && errno == EINTR)
        ;
}

void drift_manager_stop(void *data)
{
    struct drift_manager_question *question = data;
    if (question->fd >= 0)
        end(question, false);
}

void drift_manager_answer(struct drift *drift, struct drift_manager_question *question)
{
    struct text out = {.arena = drift->arena};
    if (question->fd < 0)
        return;
    bool whole = hear_out(question, &out);
    end(question, whole);
    if (whole)
        take_lines(drift, &out);
    else
        drift_add(drift, (struct finding){.where = "the user manager's environment",
                                          .message = "it did not answer: whether a key hides there is not known",
                                          .help = "systemctl --user show-environment"});
}
