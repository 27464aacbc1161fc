#include "journal.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

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

static void send(const struct journal_entry *e)
{
    struct fields fields = {0};
    size_t len = strlen(e->message);
    while (len > 0 && e->message[len - 1] == '\n')
        len--;
    add(&fields, "MESSAGE=%s%s%.*s", e->label != NULL ? e->label : "", e->label != NULL ? ": " : "", (int)len,
        e->message);
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

static void print(const struct journal_entry *e)
{
    for (const char *text = e->message; *text != '\0';) {
        size_t len = strcspn(text, "\n");
        (void)fprintf(stderr, "%s%s%.*s\n", e->label != NULL ? e->label : "", e->label != NULL ? ": " : "", (int)len,
                      text);
        text += len + (text[len] == '\n');
    }
}

void journal_write(const struct journal_entry *entry)
{
    if (journal_listens())
        send(entry);
    else
        print(entry);
}
