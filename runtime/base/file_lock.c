#include "file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Hermes polls auth.lock each 50 ms; ten looks to its one, and a busy Hermes does not keep us out. */
enum { POLL_MS = 5 };
enum { LOOKS = 5 }; /* for who holds a lock */

int file_lock_open(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) == 0 && (st.st_mode & 077) != 0 && st.st_uid == geteuid())
        (void)fchmod(fd, 0600); /* Hermes makes its own as the umask has it */
    return fd;
}

int file_lock_take(int fd, int wait_ms)
{
    for (int waited = 0;; waited += POLL_MS) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -errno;
        if (waited >= wait_ms)
            return -EWOULDBLOCK;
        (void)poll(NULL, 0, wait_ms - waited < POLL_MS ? wait_ms - waited : POLL_MS);
    }
}

int file_lock_opened(int fd, int wait_ms)
{
    int error = fd < 0 ? fd : file_lock_take(fd, wait_ms);
    if (error == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return error;
}

int file_lock(const char *path, int wait_ms)
{
    return file_lock_opened(file_lock_open(path), wait_ms);
}

static pid_t look_for_holder(const char *path)
{
    struct stat st;
    char line[256];
    pid_t holder = 0;
    FILE *locks = stat(path, &st) < 0 ? NULL : fopen("/proc/locks", "re");
    while (locks != NULL && fgets(line, sizeof line, locks) != NULL) {
        long pid;
        unsigned major_number;
        unsigned minor_number;
        unsigned long inode;
        if (sscanf(line, "%*s FLOCK %*s %*s %ld %x:%x:%lu", &pid, &major_number, &minor_number, &inode) == 4 &&
            inode == st.st_ino && makedev(major_number, minor_number) == st.st_dev)
            holder = (pid_t)pid;
    }
    if (locks != NULL)
        (void)fclose(locks);
    return holder;
}

/* By a shared lock, for no time at all. */
static bool is_taken(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool taken = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        (void)close(fd);
    return taken;
}

/* As it is noted: it may have ended, and left the lock to a process that shares its descriptors. The kernel shows its
 * list page by page, and a line between two of them is missed when one before it goes meanwhile: another look, then. */
static pid_t noted_holder(const char *path)
{
    pid_t holder = look_for_holder(path);
    for (int looks = 1; holder == 0 && looks < LOOKS && is_taken(path); looks++)
        holder = look_for_holder(path);
    return holder;
}

/* The numbers in /proc are those that we know processes by. */
static bool is_our_proc(void)
{
    char self[32] = "";
    return readlink("/proc/self", self, sizeof self - 1) > 0 && strtol(self, NULL, 10) == getpid();
}

static bool has_ended(pid_t process)
{
    return is_our_proc() && kill(process, 0) < 0 && errno == ESRCH;
}

pid_t file_lock_holder(const char *path)
{
    pid_t holder = noted_holder(path);
    return holder != 0 && has_ended(holder) ? 0 : holder;
}

bool file_lock_is_left(const char *path)
{
    pid_t holder = noted_holder(path);
    return holder != 0 && has_ended(holder);
}

bool file_lock_is_held(const char *path)
{
    pid_t holder = noted_holder(path);
    return holder != 0 ? !has_ended(holder) : is_taken(path);
}
