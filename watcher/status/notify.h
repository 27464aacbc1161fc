/* What systemd is told. Silent where there is no systemd. Whoever listens may be busy, or read no more: nothing here
 * waits for that, and where something is not taken, the newest is told a little later.
 *
 *     struct notifier n = {0};
 *     int error = notify_open(&n, event);      from now on WATCHDOG=1 is told, where it is asked for
 *     notify_ready(&n, "generation 1"); ...
 *     notify_close(&n);
 */
#ifndef HERMES_NOTIFY_H
#define HERMES_NOTIFY_H

#include <stdint.h>

#include <systemd/sd-event.h>

#include "must_check.h"

/* What systemd reads of a message, and a page (PIPE_BUF): of a longer status it gets the beginning. No memory is asked
 * for, so that what happened is told also when there is none. */
enum { NOTIFY_MOST = 4096 };

struct notifier {
    char untold[NOTIFY_MOST]; /* the newest message, where it was not taken; else "" */
    sd_event_source *retry;
    uint64_t pause_usec; /* before the next try */
    sd_event_source *watchdog;
    uint64_t watchdog_usec;
};

/* 0 or a negative errno. */
int notify_open(struct notifier *n, sd_event *event) MUST_CHECK;
void notify_close(struct notifier *n);

/* READY=1 with a status line; the first call counts, and the first one after notify_reloading(). */
void notify_ready(struct notifier *n, const char *status);
void notify_status(struct notifier *n, const char *status);
void notify_reloading(struct notifier *n);
/* Tried once: nothing comes later. */
void notify_stopping(void);

#endif
