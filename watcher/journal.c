#include "journal.h"

#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The journal takes the priority from the start of a line. */
void journal_say(int priority, const char *label, const char *text)
{
    bool journal = getenv("JOURNAL_STREAM") != NULL;
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        if (journal)
            (void)fprintf(stderr, "<%d>", priority);
        (void)fprintf(stderr, "%s%s%.*s\n", label != NULL ? label : "", label != NULL ? ": " : "", (int)len, text);
        text += len + (text[len] == '\n');
    }
}
