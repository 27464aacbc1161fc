#include "json_write.h"

#include <string.h>

#include "json_escape.h"
#include "source.h"
#include "utf8.h"

void json_write_string(struct text *out, const char *text, size_t len)
{
    size_t start = 0;
    char escape[JSON_ESCAPE_SIZE];
    text_putc(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        size_t width = c < 0x80 ? 1 : utf8_length(text + i, len - i);
        if (c >= 0x20 && c != '"' && c != '\\' && width > 0) {
            i += width - 1;
            continue;
        }
        text_append(out, text + start, i - start);
        start = i + 1;
        if (width == 0) /* the name of a file may be anything */
            text_puts(out, "\xEF\xBF\xBD");
        else
            text_append(out, escape, json_escape(c, escape));
    }
    text_append(out, text + start, len - start);
    text_putc(out, '"');
}

static void put_text(struct text *out, const char *text)
{
    json_write_string(out, text, strlen(text));
}

/* `"name":`, with the comma of what stands before it. */
void json_write_name(struct text *out, const char *name)
{
    char last = out->len > 0 ? out->bytes[out->len - 1] : '{';
    if (last != '{' && last != '[')
        text_putc(out, ',');
    put_text(out, name);
    text_putc(out, ':');
}

void json_write_member(struct text *out, const char *name, const char *value)
{
    json_write_name(out, name);
    put_text(out, value);
}

void json_write_item(struct text *out)
{
    if (out->bytes[out->len - 1] != '[')
        text_putc(out, ',');
}

void json_write_number(struct text *out, const char *name, unsigned long long value)
{
    json_write_name(out, name);
    text_printf(out, "%llu", value);
}

void json_write_truth(struct text *out, const char *name, bool value)
{
    json_write_name(out, name);
    text_puts(out, value ? "true" : "false");
}

void json_write_place(struct text *out, struct place place, const char *absent)
{
    const char *path = place.source == NULL ? absent : place.source->label;
    if (path != NULL)
        json_write_member(out, "path", path);
    if (place.line == 0)
        return;
    json_write_number(out, "line", place.line);
    json_write_number(out, "column", place.column);
}
