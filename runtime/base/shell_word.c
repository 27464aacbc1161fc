#include "shell_word.h"

#include <string.h>

#include "text.h"

const char *shell_word(struct arena *arena, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/+:@%,=-";
    struct text out = {.arena = arena};
    if (*text != '\0' && text[strspn(text, plain)] == '\0')
        return text;
    text_putc(&out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            text_puts(&out, "'\\''");
        else
            text_putc(&out, *text);
    }
    text_putc(&out, '\'');
    return out.bytes;
}
