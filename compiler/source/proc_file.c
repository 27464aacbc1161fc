#include "proc_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "memory.h"

enum { LONGEST = 256 * 1024 };

/* Nobody knows its size before. */
struct text proc_file_read(struct arena *arena, int process, const char *name)
{
    struct text out = {.arena = arena};
    char buffer[4096];
    int fd = openat(process, name, O_RDONLY | O_CLOEXEC);
    struct memory_hold hold;
    memory_hold_fd(&hold, &fd);
    text_append(&out, "", 0);
    for (ssize_t got = sizeof buffer; fd >= 0 && out.len < LONGEST && got == sizeof buffer;) {
        got = read(fd, buffer, sizeof buffer); /* it is short only at the end */
        text_append(&out, buffer, got > 0 ? (size_t)got : 0);
    }
    memory_give_back(&hold);
    explicit_bzero(buffer, sizeof buffer);
    return out;
}

const char *proc_file_variable(const struct text *variables, const char *name)
{
    size_t len = strlen(name);
    for (size_t at = 0; at < variables->len; at += strlen(variables->bytes + at) + 1)
        if (strncmp(variables->bytes + at, name, len) == 0 && variables->bytes[at + len] == '=')
            return variables->bytes + at + len + 1;
    return NULL;
}

double proc_file_started(pid_t process)
{
    char text[1024] = "";
    unsigned long long ticks = 0;
    struct timespec up;
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)process);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    size_t len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    const char *after_name = strrchr(text, ')');
    if (after_name == NULL ||
        sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &ticks) != 1)
        return 0;
    (void)clock_gettime(CLOCK_BOOTTIME, &up);
    return clock_wall() - (double)up.tv_sec - (double)up.tv_nsec / 1e9 +
           (double)(ticks + 1) / (double)sysconf(_SC_CLK_TCK);
}
