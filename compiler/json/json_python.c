#include "json_python.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "json_escape.h"

void json_python_put(struct text *out, const char *text)
{
    char escape[JSON_ESCAPE_SIZE];
    text_putc(out, '"');
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0';) {
        unsigned len = *p < 0x80 ? 1 : *p >= 0xF0 ? 4 : *p >= 0xE0 ? 3 : 2;
        unsigned c = len == 1 ? *p : *p & (0xFFu >> (len + 1));
        for (unsigned i = 1; i < len && p[i] != '\0'; i++)
            c = c << 6 | (p[i] & 0x3Fu);
        size_t escaped = c < 0x80 ? json_escape((unsigned char)c, escape) : 0;
        if (escaped > 0)
            text_append(out, escape, escaped);
        else if (c > 0x7F && c < 0x10000)
            text_printf(out, "\\u%04x", c);
        else if (c >= 0x10000)
            text_printf(out, "\\u%04x\\u%04x", 0xD800 + ((c - 0x10000) >> 10), 0xDC00 + ((c - 0x10000) & 0x3FF));
        else
            text_putc(out, (char)c);
        for (unsigned i = 0; i < len && *p != '\0'; i++)
            p++;
    }
    text_putc(out, '"');
}

const char *json_python_quote(struct arena *arena, const char *text)
{
    struct text out = {.arena = arena};
    json_python_put(&out, text);
    return out.bytes;
}

const char *json_python_number(struct arena *arena, double value)
{
    char text[40];
    if (value == floor(value) && fabs(value) < 1e15)
        return arena_printf(arena, "%.0f", value);
    for (int precision = 1; precision <= 17; precision++) {
        (void)snprintf(text, sizeof text, "%.*g", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return arena_strdup(arena, text);
}
