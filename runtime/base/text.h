/* Text that grows inside an arena. Start from {.arena = arena}; `bytes` is always NUL-terminated once it is not
 * NULL. Growing may move them: a pointer into the old ones is void. */
#ifndef HERMES_TEXT_H
#define HERMES_TEXT_H

#include "arena.h"

struct text {
    struct arena *arena;
    char *bytes;
    size_t len;
    size_t capacity;
};

/* Makes room for MORE bytes at once. */
void text_reserve(struct text *text, size_t more);
void text_append(struct text *text, const char *bytes, size_t len);
void text_puts(struct text *text, const char *string);
void text_putc(struct text *text, char c);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
