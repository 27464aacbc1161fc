#include "http_child.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child_program.h"

static int file_in_memory(const struct text *content)
{
    int fd = memfd_create("hermes-http", MFD_CLOEXEC);
    for (size_t at = 0; fd >= 0 && content != NULL && at < content->len;) {
        ssize_t written = write(fd, content->bytes + at, content->len - at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            int error = -errno;
            (void)close(fd);
            return error;
        }
        at += (size_t)written;
    }
    if (fd >= 0 && lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    return fd >= 0 ? fd : -errno;
}

/* With an empty environment. */
static int spawn(const char *path, int input, int output, pid_t *ret)
{
    static char *const argv[] = {"hermes-http", NULL};
    static char *const nothing[] = {NULL};
    return child_program_start(path, argv, nothing, (struct child_streams){input, output, -1}, ret);
}

int http_child_start(struct http_child *child, const struct text *job)
{
    char path[PATH_MAX];
    if (!child_program_find("hermes-http", HERMES_LIBEXEC_FROM_BIN, path))
        return -ENOENT;
    int input = file_in_memory(job);
    int output = file_in_memory(NULL);
    pid_t process = 0;
    int error = input < 0 ? input : output < 0 ? output : spawn(path, input, output, &process);
    if (input >= 0)
        (void)close(input);
    if (error == 0)
        *child = (struct http_child){.process = process, .answer = output};
    else if (output >= 0)
        (void)close(output);
    return error;
}

bool http_child_ended(struct http_child *child, bool wait)
{
    pid_t ended;
    if (child->process == 0 || child->ended)
        return child->ended;
    do
        ended = waitpid(child->process, NULL, wait ? 0 : WNOHANG);
    while (ended < 0 && errno == EINTR);
    child->ended = ended != 0;
    return child->ended;
}

struct text http_child_take(struct http_child *child, struct arena *arena)
{
    struct text text = {.arena = arena};
    char buffer[4096];
    text_append(&text, "", 0);
    if (lseek(child->answer, 0, SEEK_SET) == 0)
        for (ssize_t got; (got = read(child->answer, buffer, sizeof buffer)) > 0;)
            text_append(&text, buffer, (size_t)got);
    (void)close(child->answer);
    *child = (struct http_child){0};
    return text;
}

void http_child_stop(struct http_child *child)
{
    if (child->process == 0)
        return;
    if (!http_child_ended(child, false)) {
        (void)kill(child->process, SIGKILL);
        (void)http_child_ended(child, true);
    }
    (void)close(child->answer);
    *child = (struct http_child){0};
}
