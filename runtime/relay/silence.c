#include "silence.h"

#include <string.h>

static bool ends_with(const struct silence *silence, const char *text)
{
    size_t len = strlen(text);
    return memcmp(silence->last + sizeof silence->last - len, text, len) == 0;
}

void silence_end(struct silence *silence, const char *bytes, size_t len, long long now_us)
{
    enum { SIZE = sizeof silence->last };
    size_t count = len < SIZE ? len : SIZE;
    silence->since_us = now_us;
    memmove(silence->last, silence->last + count, SIZE - count);
    if (count > 0)
        memcpy(silence->last + SIZE - count, bytes + len - count, count);
}

bool silence_is_long(const struct silence *silence, long long now_us)
{
    bool begun = silence->last[sizeof silence->last - 1] != '\0';
    bool between = !begun || ends_with(silence, "\n\n") || ends_with(silence, "\r\n\r\n") || ends_with(silence, "\r\r");
    return between && now_us - silence->since_us >= SILENCE_MS * 1000LL;
}
