#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "json_escape.h"
#include "key_heap.h"

enum { SMALLEST = 128 };

bool bytes_reserve(struct bytes *bytes, size_t more)
{
    if (bytes->capacity - bytes->end >= more)
        return true;
    if (bytes->start > 0) {
        memmove(bytes->data, bytes_at(bytes), bytes_len(bytes));
        bytes->end -= bytes->start;
        bytes->start = 0;
    }
    size_t need = bytes->end + more;
    if (need <= bytes->capacity)
        return true;
    size_t capacity = bytes->capacity * 2 < SMALLEST ? SMALLEST : bytes->capacity * 2;
    size_t size = capacity < need ? need : capacity;
    char *grown = bytes->secret ? key_heap_resize(bytes->data, size) : realloc(bytes->data, size);
    if (grown == NULL)
        return false;
    bytes->data = grown;
    bytes->capacity = size;
    return true;
}

bool bytes_add(struct bytes *bytes, const char *data, size_t len)
{
    if (!bytes_reserve(bytes, len))
        return false;
    if (len > 0)
        memcpy(bytes->data + bytes->end, data, len);
    bytes->end += len;
    return true;
}

bool bytes_add_string(struct bytes *bytes, const char *text)
{
    return bytes_add(bytes, text, strlen(text) + 1);
}

bool bytes_add_json(struct bytes *bytes, const char *text, size_t len)
{
    char escape[JSON_ESCAPE_SIZE];
    for (size_t i = 0; i < len; i++) {
        size_t escaped = json_escape((unsigned char)text[i], escape);
        if (!bytes_add(bytes, escaped > 0 ? escape : text + i, escaped > 0 ? escaped : 1))
            return false;
    }
    return true;
}

bool bytes_printf(struct bytes *bytes, const char *format, ...)
{
    va_list args;
    size_t room = SMALLEST;
    for (int round = 0; round < 2; round++) {
        if (!bytes_reserve(bytes, room))
            return false;
        va_start(args, format);
        int len = vsnprintf(bytes->data + bytes->end, room, format, args);
        va_end(args);
        if (len < 0)
            return false;
        if ((size_t)len < room) {
            bytes->end += (size_t)len;
            return true;
        }
        room = (size_t)len + 1;
    }
    return false;
}

void bytes_take(struct bytes *bytes, size_t len)
{
    bytes->start += len;
    if (bytes->start == bytes->end)
        bytes->start = bytes->end = 0;
}

void bytes_clear(struct bytes *bytes)
{
    if (bytes->capacity > BYTES_KEEP)
        bytes_finish(bytes);
    bytes->start = bytes->end = 0;
}

void bytes_wipe(struct bytes *bytes)
{
    if (bytes->data != NULL)
        sodium_memzero(bytes->data, bytes->end);
    bytes_clear(bytes);
}

void bytes_finish(struct bytes *bytes)
{
    if (bytes->secret)
        key_heap_give(bytes->data);
    else
        free(bytes->data);
    *bytes = (struct bytes){.secret = bytes->secret};
}
