/* Copies a text into an array, as much of it as has room, with its NUL: what snprintf does with "%s", without reading a
 * format for every name of every request. */
#ifndef HERMES_COPY_TEXT_H
#define HERMES_COPY_TEXT_H

#include <string.h>

static inline void copy_text(char *to, size_t size, const char *text, size_t len)
{
    len = len < size ? len : size - 1;
    memcpy(to, text, len);
    to[len] = '\0';
}

#define COPY_TEXT(array, text) copy_text(array, sizeof(array), text, strlen(text))

#endif
