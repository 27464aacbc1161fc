#include "fleet_child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "child_program.h"
#include "json_write.h"

enum { FIRST_PAUSE_S = 1, LONGEST_PAUSE_S = 60, LINE_SIZE = 2048 };

#define SECOND 1000000ULL

static void start(struct fleet_child *f);

void fleet_child_open(struct fleet_child *f, const struct watched_home *home)
{
    *f = (struct fleet_child){.home = home, .input = -1, .output = -1, .handle = -1};
}

/* --- what the configuration says --- */

static void put(struct text *out, const char *value)
{
    text_puts(out, value != NULL ? value : "");
    text_putc(out, '\n');
}

/* The child is begun anew when one of these is another one; the file of the key is told by its inode and time. */
static const char *settings_text(const struct compilation *c)
{
    const struct fleet_settings *fleet = &c->sources.fleet;
    const struct binding *password =
        fleet->password_env == NULL ? NULL : environment_get(&c->environment, fleet->password_env);
    struct stat st = {0};
    struct text out = {.arena = c->arena};
    if (fleet->name == NULL || fleet->key_file == NULL || fleet->endpoint_count == 0)
        return NULL;
    put(&out, fleet->name);
    for (size_t i = 0; i < fleet->endpoint_count; i++)
        put(&out, fleet->endpoints[i]);
    put(&out, fleet->key_file);
    put(&out, fleet->ca_file);
    put(&out, fleet->cert_file);
    put(&out, fleet->cert_key_file);
    put(&out, fleet->username);
    put(&out, password == NULL ? NULL : fingerprint_of(password->value, password->len).text);
    (void)stat(fleet->key_file, &st);
    text_printf(&out, "%llu %lld\n", (unsigned long long)st.st_ino, (long long)st.st_mtim.tv_sec);
    return out.bytes;
}

/* --- the process --- */

static void unwatch(struct fleet_child *f)
{
    f->lines = sd_event_source_disable_unref(f->lines);
    f->ended = sd_event_source_disable_unref(f->ended);
    int *fds[] = {&f->input, &f->output, &f->handle};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (*fds[i] >= 0)
            (void)close(*fds[i]);
        *fds[i] = -1;
    }
    free(f->line);
    f->line = NULL;
    f->process = 0;
    f->len = 0;
}

static void say(const struct fleet_child *f, int priority, const char *text)
{
    if (priority <= LOG_WARNING || !f->home->quiet)
        watched_home_say(f->home, priority, "fleet", text);
}

/* "<4>text" */
static void say_line(const struct fleet_child *f, const char *line)
{
    bool marked = line[0] == '<' && line[1] >= '0' && line[1] <= '7' && line[2] == '>';
    if (*line != '\0')
        say(f, marked ? line[1] - '0' : LOG_WARNING, marked ? line + 3 : line);
}

static int at_lines(sd_event_source *source, int fd, uint32_t events, void *child)
{
    struct fleet_child *f = child;
    char *newline;
    (void)events;
    ssize_t got = read(fd, f->line + f->len, LINE_SIZE - 1 - f->len);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : sd_event_source_set_enabled(source, SD_EVENT_OFF);
    f->len += (size_t)got;
    f->line[f->len] = '\0';
    while ((newline = memchr(f->line, '\n', f->len)) != NULL) {
        *newline = '\0';
        say_line(f, f->line);
        f->len -= (size_t)(newline + 1 - f->line);
        memmove(f->line, newline + 1, f->len + 1);
    }
    if (f->len == LINE_SIZE - 1)
        f->len = 0;
    return 0;
}

static int at_again(sd_event_source *timer, uint64_t when, void *child)
{
    (void)timer;
    (void)when;
    start(child);
    return 0;
}

static uint64_t now_usec(const struct fleet_child *f)
{
    uint64_t now = 0;
    (void)sd_event_now(f->home->event, CLOCK_MONOTONIC, &now);
    return now;
}

static void start_later(struct fleet_child *f)
{
    unsigned pause = FIRST_PAUSE_S;
    for (unsigned i = 0; i < f->failures && pause < LONGEST_PAUSE_S; i++)
        pause *= 2;
    f->failures++;
    pause = pause < LONGEST_PAUSE_S ? pause : LONGEST_PAUSE_S;
    f->again = sd_event_source_disable_unref(f->again);
    (void)sd_event_add_time_relative(f->home->event, &f->again, CLOCK_MONOTONIC, pause * SECOND, SECOND / 4, at_again,
                                     f);
}

static int at_end(sd_event_source *source, int fd, uint32_t events, void *child)
{
    struct fleet_child *f = child;
    char text[128];
    int status = 0;
    (void)source;
    (void)events;
    (void)at_lines(f->lines, f->output, 0, f); /* its last words */
    (void)fd;
    (void)waitpid(f->process, &status, 0);
    bool replaced = f->wanted == NULL || f->running == NULL || strcmp(f->wanted, f->running) != 0;
    unwatch(f);
    if (f->wanted == NULL)
        return 0;
    if (replaced) {
        start(f);
        return 0;
    }
    if (now_usec(f) > f->began + LONGEST_PAUSE_S * SECOND)
        f->failures = 0;
    (void)snprintf(text, sizeof text, "hermes-fleet ended (%s %d); restarting it",
                   WIFSIGNALED(status) ? "signal" : "status",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    say(f, LOG_WARNING, text);
    start_later(f);
    return 0;
}

/* A variable of our own environment as the child gets it, or NULL. */
static char *variable(const char *name)
{
    char *text = NULL;
    const char *value = getenv(name);
    return value != NULL && asprintf(&text, "%s=%s", name, value) >= 0 ? text : NULL;
}

static int spawn(const char *path, const char *home, int input, int output, pid_t *ret)
{
    static const char *const names[] = {"HOME", "HERMES_MANAGED_DIR"};
    char *argv[] = {"hermes-fleet", "--home", (char *)home, "follow", NULL};
    char *environment[3] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if ((environment[count] = variable(names[i])) != NULL)
            count++;
    int error = child_program_start(path, argv, environment, (struct child_streams){input, output, output}, ret);
    while (count > 0)
        free(environment[--count]);
    return error;
}

static bool watch(struct fleet_child *f)
{
    sd_event *event = f->home->event;
    f->handle = (int)syscall(SYS_pidfd_open, f->process, 0);
    return f->handle >= 0 && fcntl(f->input, F_SETFL, O_NONBLOCK) == 0 && fcntl(f->output, F_SETFL, O_NONBLOCK) == 0 &&
           sd_event_add_io(event, &f->lines, f->output, EPOLLIN, at_lines, f) >= 0 &&
           sd_event_add_io(event, &f->ended, f->handle, EPOLLIN, at_end, f) >= 0;
}

static void kill_child(struct fleet_child *f)
{
    (void)kill(f->process, SIGKILL);
    (void)waitpid(f->process, NULL, 0);
}

static bool spawn_with_pipes(struct fleet_child *f, const char *path)
{
    int input[2] = {-1, -1};
    int output[2] = {-1, -1};
    f->line = malloc(LINE_SIZE);
    bool done = f->line != NULL && pipe2(input, O_CLOEXEC) == 0 && pipe2(output, O_CLOEXEC) == 0 &&
                spawn(path, f->home->home, input[0], output[1], &f->process) == 0;
    if (input[0] >= 0)
        (void)close(input[0]);
    if (output[1] >= 0)
        (void)close(output[1]);
    f->input = input[1];
    f->output = output[0];
    if (!done)
        f->process = 0;
    return done;
}

static void tell(struct fleet_child *f)
{
    if (f->process != 0 && f->told != NULL && write(f->input, f->told, strlen(f->told)) != (ssize_t)strlen(f->told)) {
        free(f->told); /* again with the next compile */
        f->told = NULL;
    }
}

static void start(struct fleet_child *f)
{
    char path[PATH_MAX];
    f->again = sd_event_source_disable_unref(f->again);
    if (f->process != 0 || f->wanted == NULL)
        return;
    f->began = now_usec(f);
    free(f->running);
    f->running = strdup(f->wanted);
    if (!child_program_find("hermes-fleet", NULL, path)) {
        if (f->failures == 0)
            say(f, LOG_WARNING, "hermes-fleet is not installed next to hermes-watch: the fleet is not followed");
        start_later(f);
        return;
    }
    bool begun = spawn_with_pipes(f, path);
    if (begun && watch(f)) {
        tell(f);
        return;
    }
    if (begun)
        kill_child(f);
    unwatch(f);
    start_later(f);
}

/* --- after a compile --- */

/* What is in force, as follow_machine.h reads it. */
static char *line_of(struct fleet_child *f, const struct compilation *c)
{
    const struct home_state *state = f->home->state;
    struct text out = {.arena = c->arena};
    bool good = state->condition == HOME_OK;
    text_putc(&out, '{');
    json_write_number(&out, "generation", (unsigned long long)c->generation);
    json_write_number(&out, "revision", (unsigned long long)f->revision);
    json_write_member(&out, "state", home_state_name(state->condition));
    json_write_member(&out, "error",
                      good || state->status == NULL
                          ? ""
                          : arena_prefix(c->arena, arena_strdup(c->arena, state->status), strnlen(state->status, 500)));
    text_puts(&out, "}\n");
    return strdup(out.bytes);
}

static void learn(struct fleet_child *f, const struct compilation *c)
{
    const char *wanted = settings_text(c);
    if (wanted == NULL && c->outcome != COMPILE_VALID && c->outcome != COMPILE_UNPROVEN)
        return; /* a configuration that cannot be read says nothing of the fleet */
    free(f->wanted);
    f->wanted = wanted == NULL ? NULL : strdup(wanted);
}

void fleet_child_after_compile(struct fleet_child *f, const struct compilation *c)
{
    learn(f, c);
    if (c->outcome == COMPILE_VALID)
        f->revision = c->sources.fleet_revision;
    if (f->wanted == NULL && f->process == 0)
        return;
    if (f->process != 0 && (f->wanted == NULL || f->running == NULL || strcmp(f->wanted, f->running) != 0)) {
        (void)kill(f->process, SIGTERM); /* its end goes on */
        return;
    }
    free(f->told);
    f->told = line_of(f, c);
    if (f->process != 0)
        tell(f);
    else if (f->again == NULL || c->outcome == COMPILE_VALID) /* what it ended of may be mended */
        start(f);
}

void fleet_child_close(struct fleet_child *f)
{
    f->again = sd_event_source_disable_unref(f->again);
    if (f->process != 0)
        kill_child(f);
    unwatch(f);
    free(f->wanted);
    free(f->running);
    free(f->told);
    f->wanted = f->running = f->told = NULL;
}
