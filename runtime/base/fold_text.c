#include "fold_text.h"

#include <stdbool.h>
#include <string.h>

enum { WIDTH = 78 };

void fold_text(const char *text, size_t indent, FILE *stream)
{
    size_t column = indent;
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        bool fits = column == indent || column + 1 + len <= WIDTH;
        if (!fits)
            (void)fprintf(stream, "\n%*s", (int)indent, "");
        else if (column > indent)
            (void)fputc(' ', stream);
        (void)fprintf(stream, "%.*s", (int)len, text);
        column = (fits && column > indent ? column + 1 : indent) + len;
        text += len + strspn(text + len, " ");
    }
    (void)fputc('\n', stream);
}
