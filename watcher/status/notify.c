#include "notify.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "clock.h"
#include "diagnostic.h"
#include "utf8.h"

#define READY "READY=1\n"

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

static uint64_t at_most(uint64_t most, uint64_t usec)
{
    return usec < most ? usec : most;
}

static bool starts_ready(const char *message)
{
    return strncmp(message, READY, strlen(READY)) == 0;
}

static void tell_untold(struct notifier *n)
{
    if (is_taken(n->untold)) {
        *n->untold = '\0';
        n->pause_usec = 0;
        return;
    }
    n->pause_usec = n->pause_usec == 0 ? FIRST_PAUSE_USEC : at_most(LONGEST_PAUSE_USEC, n->pause_usec * 2);
    (void)sd_event_source_set_time_relative(n->retry, n->pause_usec);
    (void)sd_event_source_set_enabled(n->retry, SD_EVENT_ONESHOT);
}

/* What was not taken is told by the newer message, too, if it is that we are ready: a status is as old as the next
 * one. A line break in a STATUS would begin another assignment. */
static void tell(struct notifier *n, const char *assignments, const char *status)
{
    char message[NOTIFY_MOST];
    const bool ready = starts_ready(n->untold) && !starts_ready(assignments);
    const int begun = snprintf(message, sizeof message, "%s%s", ready ? READY : "", assignments);
    char *line = message + begun;
    const size_t room = sizeof message - (size_t)begun;
    if (status != NULL && snprintf(line, room, "STATUS=%s", status) >= (int)room)
        line[utf8_valid(line, strlen(line))] = '\0';
    (void)diagnostic_plain_text(line);
    memcpy(n->untold, message, sizeof message);
    tell_untold(n);
}

static int at_retry(sd_event_source *source, uint64_t when, void *notifier)
{
    (void)source;
    (void)when;
    if (*((struct notifier *)notifier)->untold != '\0')
        tell_untold(notifier);
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

int notify_open(struct notifier *n, sd_event *event)
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

void notify_close(struct notifier *n)
{
    n->retry = sd_event_source_disable_unref(n->retry);
    n->watchdog = sd_event_source_disable_unref(n->watchdog);
}

void notify_ready(struct notifier *n, const char *status)
{
    tell(n, READY, status);
}

void notify_status(struct notifier *n, const char *status)
{
    tell(n, "", status);
}

/* Type=notify-reload insists on the time. */
void notify_reloading(struct notifier *n)
{
    char text[80];
    (void)snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld", clock_monotonic_us());
    tell(n, text, NULL);
}

void notify_stopping(void)
{
    (void)is_taken("STOPPING=1");
}
