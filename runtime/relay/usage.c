#include "usage.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* `_tokens":` stands in all of them; what is before it says which. */
static const char mark[] = "_tokens\":";

static bool ends_in(const char *bytes, const char *end, const char *word)
{
    size_t len = strlen(word);
    return (size_t)(end - bytes) >= len && memcmp(end - len, word, len) == 0;
}

static void grow(long long *count, long long found)
{
    if (found > *count)
        *count = found;
}

void usage_scan(const char *bytes, size_t len, long long *in, long long *out)
{
    const char *end = bytes + len;
    for (const char *at = bytes; at < end && (at = memmem(at, (size_t)(end - at), mark, sizeof mark - 1)) != NULL;) {
        const char *name = at;
        long long number = 0;
        at += sizeof mark - 1;
        while (at < end && *at == ' ')
            at++;
        for (int digits = 0; at < end && isdigit((unsigned char)*at) && digits < 12; at++, digits++)
            number = number * 10 + (*at - '0');
        if (ends_in(bytes, name, "\"prompt") || ends_in(bytes, name, "\"input"))
            grow(in, number);
        if (ends_in(bytes, name, "\"completion") || ends_in(bytes, name, "\"output"))
            grow(out, number);
    }
}
