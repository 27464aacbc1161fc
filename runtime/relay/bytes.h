/* Bytes that come in at one end and leave at the other: bodies, header blocks, log lines. Lives on the heap, keeps its
 * memory between uses, and has the ceiling that its owner checks before adding.
 *
 *     struct bytes b = {0};
 *     if (!bytes_add(&b, data, len)) ...out of memory...
 *     use(bytes_at(&b), bytes_len(&b));
 *     bytes_take(&b, n);          the first n are done with
 *     bytes_clear(&b);            empty again; memory beyond BYTES_KEEP is given back
 *     bytes_finish(&b);
 */
#ifndef HERMES_BYTES_H
#define HERMES_BYTES_H

#include <stdbool.h>
#include <stddef.h>

#include "must_check.h"

enum { BYTES_KEEP = 64 * 1024 };

struct bytes {
    char *data;
    size_t start; /* what lies before it has been taken */
    size_t end;
    size_t capacity;
    bool secret; /* its memory is key_heap's: set before anything is added */
};

/* Room for MORE bytes after `end`. False: no memory. */
bool bytes_reserve(struct bytes *bytes, size_t more) MUST_CHECK;
bool bytes_add(struct bytes *bytes, const char *data, size_t len) MUST_CHECK;
/* The text with its NUL. */
bool bytes_add_string(struct bytes *bytes, const char *text) MUST_CHECK;
/* LEN bytes of TEXT as the inside of a JSON string. */
bool bytes_add_json(struct bytes *bytes, const char *text, size_t len) MUST_CHECK;
bool bytes_printf(struct bytes *bytes, const char *format, ...) __attribute__((format(printf, 2, 3))) MUST_CHECK;
void bytes_take(struct bytes *bytes, size_t len);
void bytes_clear(struct bytes *bytes);
/* As bytes_clear, and what it held is overwritten first. */
void bytes_wipe(struct bytes *bytes);
void bytes_finish(struct bytes *bytes);

static inline char *bytes_at(const struct bytes *bytes)
{
    return bytes->data == NULL ? NULL : bytes->data + bytes->start;
}

static inline size_t bytes_len(const struct bytes *bytes)
{
    return bytes->end - bytes->start;
}

#endif
