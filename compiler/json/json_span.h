/* A lossless look at somebody else's JSON: where each value stands in the text, not what a parser would make of it. A
 * number never passes through a double, and what is not changed is never printed again. Accepts what Python's json
 * accepts: NaN, Infinity, duplicate names (the last one counts). */
#ifndef HERMES_JSON_SPAN_H
#define HERMES_JSON_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "must_check.h"

enum { JSON_MAX_DEPTH = 900 }; /* Python's own limit is a little higher */

enum json_kind { JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_NUMBER, JSON_WORD };

struct json {
    enum json_kind kind;
    bool closed;    /* an object or array whose children were checked, but not kept: json_span_opened has them */
    uint32_t start; /* offsets into the text: the value is text[start..end) */
    uint32_t end;
    uint32_t name_start; /* of the member's name, with its quote; meaningless outside objects */
    uint32_t count;
    const char *name; /* decoded; NULL outside objects. The same names in one text are often one pointer. */
    struct json *children;
};

/* As Python reads it, a byte order mark at the start included. NULL when TEXT is no JSON, or longer than 4 GiB; then
 * *RET_AT is where it stops being it. */
struct json *json_span_scan(struct arena *arena, const char *text, size_t len, size_t *ret_at) MUST_CHECK;

/* The same, but what lies deeper than DEPTH (the root's children are at 1) is closed: little memory for much text. */
struct json *json_span_scan_closed(struct arena *arena, const char *text, size_t len, size_t depth,
                                   size_t *ret_at) MUST_CHECK;
/* VALUE itself, or when it is closed, as it is with its children. */
const struct json *json_span_opened(struct arena *arena, const char *text, const struct json *value);
/* Of OBJECT, closed or not, the last members of these NAMES (COUNT of them) without their children, in RET; where there
 * is none it is all zero. Nothing is kept. */
void json_span_pick(struct arena *arena, const char *text, const struct json *object, const char *const *names,
                    size_t count, struct json *ret);

/* The last member of that name, or NULL (also when OBJECT is NULL or no object). */
struct json *json_span_member(const struct json *object, const char *name) MUST_CHECK;
/* A string value decoded to UTF-8, or NULL when VALUE is NULL, no string, or has a NUL in it. */
const char *json_span_string(struct arena *arena, const char *text, const struct json *value);
/* A number's value for comparing; false when VALUE is none, or beyond what a double can say. */
bool json_span_number(const char *text, const struct json *value, double *ret);
/* The text of a value, NUL-terminated. */
const char *json_span_raw(struct arena *arena, const char *text, const struct json *value);

#endif
