#include "notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

enum { FIRST_PAUSE_USEC = 10000, LONGEST_PAUSE_USEC = 1000000 };

/* False: it has no room for it at this moment. (sd_notify() would wait until it has.) */
static bool is_taken(const char *message)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *name = getenv("NOTIFY_SOCKET");
    size_t len = name == NULL ? 0 : strlen(name);
    if (len == 0 || len >= sizeof to.sun_path || (*name != '/' && *name != '@'))
        return true;
    memcpy(to.sun_path, name, len);
    if (*name == '@') /* a socket of no file */
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno != EMFILE && errno != ENFILE;
    ssize_t sent = sendto(fd, message, strlen(message), MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    bool full = sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS);
    (void)close(fd);
    return !full;
}

static void drop(struct notifier *n, size_t at)
{
    free(n->untold[at]);
    n->count--;
    memmove(n->untold + at, n->untold + at + 1, (n->count - at) * sizeof *n->untold);
}

static uint64_t at_most(uint64_t most, uint64_t usec)
{
    return usec < most ? usec : most;
}

static void try_later(struct notifier *n)
{
    n->pause_usec = n->pause_usec == 0 ? FIRST_PAUSE_USEC : at_most(LONGEST_PAUSE_USEC, n->pause_usec * 2);
    (void)sd_event_source_set_time_relative(n->retry, n->pause_usec);
    (void)sd_event_source_set_enabled(n->retry, SD_EVENT_ONESHOT);
}

static void tell_kept(struct notifier *n)
{
    while (n->count > 0 && is_taken(n->untold[0])) {
        n->pause_usec = 0;
        drop(n, 0);
    }
    if (n->count > 0)
        try_later(n);
}

/* An old status is the first to be lost: whether we are ready is not. */
static void make_room(struct notifier *n)
{
    size_t at = 0;
    while (at < n->count && strncmp(n->untold[at], "STATUS=", 7) != 0)
        at++;
    drop(n, at < n->count ? at : 0);
}

static void tell(struct notifier *n, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(struct notifier *n, const char *format, ...)
{
    va_list args;
    char *message = NULL;
    va_start(args, format);
    int len = vasprintf(&message, format, args);
    va_end(args);
    if (len < 0)
        return;
    if (n->count == 0 && is_taken(message)) {
        free(message);
        return;
    }
    if (n->count == NOTIFY_KEPT)
        make_room(n);
    n->untold[n->count++] = message;
    if (n->count == 1)
        try_later(n);
}

static int at_retry(sd_event_source *source, uint64_t when, void *notifier)
{
    (void)source;
    (void)when;
    tell_kept(notifier);
    return 0;
}

static int at_watchdog(sd_event_source *source, uint64_t when, void *notifier)
{
    struct notifier *n = notifier;
    (void)when;
    uint64_t next = is_taken("WATCHDOG=1") ? n->watchdog_usec / 2 : at_most(LONGEST_PAUSE_USEC, n->watchdog_usec / 16);
    (void)sd_event_source_set_time_relative(source, next);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int notifier_open(struct notifier *n, sd_event *event)
{
    int error = sd_event_add_time(event, &n->retry, CLOCK_MONOTONIC, 0, 1, at_retry, n);
    if (error >= 0)
        error = sd_event_source_set_enabled(n->retry, SD_EVENT_OFF);
    if (error >= 0)
        error = sd_watchdog_enabled(0, &n->watchdog_usec);
    if (error <= 0)
        return error;
    error = sd_event_add_time(event, &n->watchdog, CLOCK_MONOTONIC, 0, n->watchdog_usec / 4, at_watchdog, n);
    return error < 0 ? error : sd_event_source_set_priority(n->watchdog, SD_EVENT_PRIORITY_IMPORTANT);
}

void notifier_close(struct notifier *n)
{
    while (n->count > 0)
        drop(n, 0);
    n->retry = sd_event_source_disable_unref(n->retry);
    n->watchdog = sd_event_source_disable_unref(n->watchdog);
}

void notify_ready(struct notifier *n, const char *status)
{
    tell(n, "READY=1\nSTATUS=%s", status);
}

void notify_status(struct notifier *n, const char *status)
{
    tell(n, "STATUS=%s", status);
}

/* Type=notify-reload insists on the time. */
void notify_reloading(struct notifier *n)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    tell(n, "RELOADING=1\nMONOTONIC_USEC=%lld", now.tv_sec * 1000000LL + now.tv_nsec / 1000);
}

void notify_stopping(struct notifier *n)
{
    (void)is_taken("STOPPING=1"); /* nothing comes later */
    (void)n;
}
