#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

enum { BACKLOG = 4096 };

static int describe(int fd, struct listening *ret)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    char text[INET6_ADDRSTRLEN] = "";
    struct listening listening = {.fd = fd};
    if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        return -errno;
    if (address.ss_family == AF_UNIX) {
        const struct sockaddr_un *local = (const void *)&address;
        struct stat st;
        listening.loopback = true;
        /* The mode of the file decides who connects; that of an abstract socket says nothing. */
        listening.trusted = local->sun_path[0] == '/' && lstat(local->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
                            st.st_uid == geteuid() && (st.st_mode & 077) == 0;
        (void)snprintf(listening.address, sizeof listening.address, "unix:%.100s", local->sun_path);
    } else if (address.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)&address;
        listening.loopback = ntohl(in->sin_addr.s_addr) >> 24 == 127;
        (void)inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
        (void)snprintf(listening.address, sizeof listening.address, "%s:%d", text, ntohs(in->sin_port));
    } else if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)&address;
        listening.loopback = IN6_IS_ADDR_LOOPBACK(&in->sin6_addr);
        (void)inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
        (void)snprintf(listening.address, sizeof listening.address, "[%s]:%d", text, ntohs(in->sin6_port));
    } else {
        return -EINVAL;
    }
    *ret = listening;
    return 0;
}

static int start(int fd, const struct sockaddr *address, socklen_t len)
{
    return bind(fd, address, len) < 0 || listen(fd, BACKLOG) < 0 ? -errno : 0;
}

/* A socket that is left over from a process that is gone refuses to be connected to. */
static bool left_over(const struct sockaddr_un *address)
{
    struct stat st;
    if (lstat(address->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool refused =
        fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 && errno == ECONNREFUSED;
    if (fd >= 0)
        (void)close(fd);
    return refused;
}

static int open_unix(const char *path, int *ret)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (*path != '/' || strlen(path) >= sizeof address.sun_path)
        return -EINVAL;
    strcpy(address.sun_path, path);
    if (left_over(&address))
        (void)unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    mode_t mask = umask(0177);
    int error = start(fd, (struct sockaddr *)&address, sizeof address);
    (void)umask(mask);
    if (error != 0)
        (void)close(fd);
    else
        *ret = fd;
    return error;
}

static int parse_address(const char *where, struct sockaddr_storage *address, socklen_t *len)
{
    char host[64];
    const char *colon = strrchr(where, ':');
    bool bracketed = where[0] == '[';
    if (colon == NULL || colon == where || (size_t)(colon - where) >= sizeof host)
        return -EINVAL;
    char *end;
    long port = strtol(colon + 1, &end, 10);
    if (end == colon + 1 || *end != '\0' || port < 0 || port > 65535 || (bracketed && colon[-1] != ']'))
        return -EINVAL;
    (void)snprintf(host, sizeof host, "%.*s", (int)(colon - where) - 2 * bracketed, where + bracketed);
    struct sockaddr_in *in = (struct sockaddr_in *)address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;
    if (strcmp(host, "localhost") == 0)
        strcpy(host, "127.0.0.1");
    if (!bracketed && inet_pton(AF_INET, host, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons((in_port_t)port);
        *len = sizeof *in;
        return 0;
    }
    if (bracketed && inet_pton(AF_INET6, host, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((in_port_t)port);
        *len = sizeof *in6;
        return 0;
    }
    return -EINVAL;
}

static int open_network(const char *where, int *ret)
{
    struct sockaddr_storage address = {0};
    socklen_t len = 0;
    const int on = 1;
    int error = parse_address(where, &address, &len);
    if (error != 0)
        return error;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* what it accepts inherits that */
    error = start(fd, (struct sockaddr *)&address, len);
    if (error != 0)
        (void)close(fd);
    else
        *ret = fd;
    return error;
}

int listen_open(const char *where, struct listening *ret)
{
    int fd = -1;
    int error = strncmp(where, "unix:", 5) == 0 ? open_unix(where + 5, &fd) : open_network(where, &fd);
    return error != 0 ? error : describe(fd, ret);
}

int listen_inherit(struct listening *ret)
{
    int count = sd_listen_fds(1);
    if (count > LISTEN_MOST)
        return -E2BIG;
    for (int i = 0; i < count; i++) {
        int error = describe(SD_LISTEN_FDS_START + i, &ret[i]);
        if (error != 0)
            return error;
    }
    return count;
}

/* In one of the kernel's lists: a socket at PORT that listens (0A) and is another user's. */
static bool lists_foreign(const char *list, unsigned port)
{
    char line[512];
    bool found = false;
    FILE *file = fopen(list, "re");
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        unsigned local;
        unsigned user;
        found = sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x 0A %*x:%*x %*x:%*x %*x %u", &local, &user) == 2 &&
                local == port && user != geteuid();
    }
    if (file != NULL)
        (void)fclose(file);
    return found;
}

bool listen_is_foreign(const char *where)
{
    struct sockaddr_storage address = {0};
    socklen_t len;
    if (strncmp(where, "unix:", 5) == 0 || parse_address(where, &address, &len) != 0)
        return false;
    unsigned port = ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
                                                       : ((struct sockaddr_in6 *)&address)->sin6_port);
    return lists_foreign("/proc/net/tcp", port) || lists_foreign("/proc/net/tcp6", port);
}
