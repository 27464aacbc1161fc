#include "bell.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void bell_ring(const char *path)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && st.st_uid == geteuid()) {
        ssize_t written = write(fd, "", 1); /* a full pipe rings already */
        (void)written;
    }
    (void)close(fd);
}
