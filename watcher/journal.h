/* What people read of a daemon: standard error, whose lines journald takes where it listens. */
#ifndef HERMES_JOURNAL_H
#define HERMES_JOURNAL_H

/* Each line of TEXT, behind LABEL and ": " when it is not NULL. PRIORITY as syslog counts: LOG_ERR, LOG_INFO... */
void journal_say(int priority, const char *label, const char *text);

#endif
