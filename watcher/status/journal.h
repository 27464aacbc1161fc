/* What people read of a daemon. Where journald listens (JOURNAL_STREAM names this standard error), an entry each with
 * its fields; elsewhere lines on standard error. */
#ifndef HERMES_JOURNAL_H
#define HERMES_JOURNAL_H

#include <stddef.h>

/* NULL or 0: the entry has no such field. */
struct journal_entry {
    int priority;            /* as syslog counts: LOG_ERR, LOG_INFO... */
    const char *label;       /* stands before each line, behind it ": " */
    const char *message;     /* a line, or several that belong together */
    const char *home;        /* HERMES_HOME */
    long long generation;    /* HERMES_GENERATION */
    const char *provider;    /* HERMES_PROVIDER */
    const char *fingerprint; /* HERMES_FINGERPRINT: of the key that is in force now */
    const char *code;        /* HERMES_CODE: of a diagnostic */
    const char *source;      /* HERMES_SOURCE: the file that is meant */
    unsigned line;           /* HERMES_LINE */
};

/* From any thread. */
void journal_write(const struct journal_entry *entry);

#endif
