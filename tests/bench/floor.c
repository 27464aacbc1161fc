/* The least that the job can cost: waits on inotify for config.yaml in HOME/, reads it and .env, and writes and fsyncs
 * as many bytes as a snapshot and an auth.json have, to HOME/floor-1 and HOME/floor-2. One byte on standard output says
 * that a round is durable. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

static char bytes[1 << 20];

static int swallow(int directory, const char *name)
{
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    while (read(fd, bytes, sizeof bytes) > 0)
        continue;
    return close(fd);
}

static int replace(int directory, const char *name, size_t size)
{
    int fd = openat(directory, "floor.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || fsync(fd) < 0 || close(fd) < 0)
        return -1;
    return renameat(directory, "floor.tmp", directory, name) < 0 || fsync(directory) < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    _Alignas(struct inotify_event) char events[4096];
    int watch = inotify_init1(IN_CLOEXEC);
    int directory = argc < 4 ? -1 : open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0 || inotify_add_watch(watch, argv[1], IN_CLOSE_WRITE | IN_MOVED_TO) < 0)
        return 1;
    size_t snapshot = (size_t)strtoul(argv[2], NULL, 10) % sizeof bytes;
    size_t pool = (size_t)strtoul(argv[3], NULL, 10) % sizeof bytes;
    for (ssize_t len; write(STDOUT_FILENO, ".", 1) == 1 && (len = read(watch, events, sizeof events)) > 0;) {
        const struct inotify_event *event = (const struct inotify_event *)events;
        while (event->len == 0 || strcmp(event->name, "config.yaml") != 0) {
            if ((char *)event + sizeof *event + event->len >= events + len) {
                len = read(watch, events, sizeof events);
                event = (const struct inotify_event *)events;
                continue;
            }
            event = (const struct inotify_event *)((const char *)event + sizeof *event + event->len);
        }
        if (swallow(directory, "config.yaml") < 0 || swallow(directory, ".env") < 0 ||
            replace(directory, "floor-1", snapshot) < 0 || replace(directory, "floor-2", pool) < 0)
            return 1;
    }
    return 0;
}
