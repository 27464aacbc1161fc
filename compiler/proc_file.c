#include "proc_file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST = 256 * 1024 };

/* Nobody knows its size before. */
struct text proc_file_read(struct arena *arena, int process, const char *name)
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

const char *proc_variable(const struct text *variables, const char *name)
{
    size_t len = strlen(name);
    for (size_t at = 0; at < variables->len; at += strlen(variables->bytes + at) + 1)
        if (strncmp(variables->bytes + at, name, len) == 0 && variables->bytes[at + len] == '=')
            return variables->bytes + at + len + 1;
    return NULL;
}
