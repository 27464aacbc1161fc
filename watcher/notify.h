/* What systemd is told. Silent where there is no systemd. */
#ifndef HERMES_NOTIFY_H
#define HERMES_NOTIFY_H

/* READY=1 with a status line; the first call counts. */
void notify_ready(const char *status);
void notify_status(const char *status);
void notify_reloading(void);
void notify_stopping(void);

#endif
