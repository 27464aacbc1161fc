#include "journal.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "diagnostic.h"

enum { MAX_FIELDS = 10 };

struct fields {
    struct iovec items[MAX_FIELDS];
    int count;
};

/* The variable is inherited; only when it names our own standard error does the journal read that. */
static bool journal_listens(void)
{
    unsigned long long device;
    unsigned long long inode;
    struct stat st;
    const char *stream = getenv("JOURNAL_STREAM");
    return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
           st.st_dev == device && st.st_ino == inode;
}

static void add(struct fields *fields, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct fields *fields, const char *format, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len >= 0)
        fields->items[fields->count++] = (struct iovec){text, (size_t)len};
}

static void add_text(struct fields *fields, const char *name, const char *value)
{
    if (value != NULL && *value != '\0')
        add(fields, "%s=%s", name, value);
}

/* In place; the line breaks stay. */
static void plain_lines(char *text)
{
    for (char *end; *text != '\0'; text = end + (*end != '\0')) {
        end = text + strcspn(text, "\n");
        char held = *end;
        *end = '\0';
        (void)diagnostic_plain_text(text);
        *end = held;
    }
}

static void send(const struct journal_entry *e)
{
    struct fields fields = {0};
    size_t len = strlen(e->message);
    while (len > 0 && e->message[len - 1] == '\n')
        len--;
    add(&fields, "MESSAGE=%s%s%.*s", e->label != NULL ? e->label : "", e->label != NULL ? ": " : "", (int)len,
        e->message);
    if (fields.count > 0)
        plain_lines(fields.items[0].iov_base);
    add(&fields, "PRIORITY=%d", e->priority);
    add_text(&fields, "HERMES_HOME", e->home);
    if (e->generation > 0)
        add(&fields, "HERMES_GENERATION=%lld", e->generation);
    add_text(&fields, "HERMES_PROVIDER", e->provider);
    add_text(&fields, "HERMES_FINGERPRINT", e->fingerprint);
    add_text(&fields, "HERMES_CODE", e->code);
    add_text(&fields, "HERMES_SOURCE", e->source);
    if (e->line > 0)
        add(&fields, "HERMES_LINE=%u", e->line);
    (void)sd_journal_sendv(fields.items, fields.count);
    for (int i = 0; i < fields.count; i++)
        free(fields.items[i].iov_base);
}

/* Standard error may be a terminal that was stopped (^S), or a pipe that nobody reads. Edits, the watchdog and the
 * end do not wait for a reader: what is not taken in this time is lost, which is said when there is a reader again. */
enum { PATIENCE_MS = 100 };

static bool is_taken(const char *text, size_t len)
{
    static bool stuck;
    while (len > 0) {
        size_t piece = len < PIPE_BUF ? len : PIPE_BUF; /* of which a pipe takes all, or is not ready */
        stuck = poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, stuck ? 0 : PATIENCE_MS) == 0;
        ssize_t taken = stuck ? 0 : write(STDERR_FILENO, text, piece);
        if (taken <= 0)
            return !stuck; /* or there is nobody at all */
        text += taken;
        len -= (size_t)taken;
    }
    return true;
}

static void print_line(const char *label, const char *text, size_t len)
{
    static unsigned lost;
    char *line = NULL;
    char said[80];
    int said_len = snprintf(said, sizeof said, "... %u lines were lost: they were not read in time\n", lost);
    int line_len = asprintf(&line, "%s%s%.*s\n", label != NULL ? label : "", label != NULL ? ": " : "", (int)len, text);
    if (line_len >= 0)
        plain_lines(line);
    if (lost > 0 && is_taken(said, (size_t)said_len))
        lost = 0;
    lost += line_len < 0 || lost > 0 || !is_taken(line, (size_t)line_len);
    free(line_len < 0 ? NULL : line);
}

static void print(const struct journal_entry *e)
{
    for (const char *text = e->message; *text != '\0';) {
        size_t len = strcspn(text, "\n");
        print_line(e->label, text, len);
        text += len + (text[len] == '\n');
    }
}

void journal_write(const struct journal_entry *entry)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    (void)pthread_mutex_lock(&one_at_a_time);
    if (journal_listens())
        send(entry);
    else
        print(entry);
    (void)pthread_mutex_unlock(&one_at_a_time);
}
