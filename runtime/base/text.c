#include "text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void text_reserve(struct text *text, size_t more)
{
    if (more < text->capacity - text->len)
        return;
    ARENA_GROW(text->arena, text->bytes, text->capacity, text->len + more + 1);
}

void text_append(struct text *text, const char *bytes, size_t len)
{
    text_reserve(text, len);
    if (len > 0)
        memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = '\0';
}

void text_puts(struct text *text, const char *string)
{
    text_append(text, string, strlen(string));
}

void text_putc(struct text *text, char c)
{
    text_append(text, &c, 1);
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    const size_t room = text->capacity - text->len;
    int len = vsnprintf(room > 0 ? text->bytes + text->len : NULL, room, format, args);
    va_end(args);
    assert(len >= 0);
    if ((size_t)len >= room) {
        text_reserve(text, (size_t)len);
        (void)vsnprintf(text->bytes + text->len, (size_t)len + 1, format, again);
    }
    va_end(again);
    text->len += (size_t)len;
}
