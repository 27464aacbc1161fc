/* Which headers pass, in either direction. */
#ifndef HERMES_HEADERS_H
#define HERMES_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include "hermes_runtime.h"
#include "bytes.h"
#include "must_check.h"
#include "route.h"

/* Whether a header of the client goes on to the provider: not what belongs to the connection (or is named by
 * CONNECTION, the value of that header, or NULL), not what the client identifies itself with. */
bool headers_go_up(const char *name, const char *connection);
/* Whether it says on whose account the client is, which is not that of the key: it goes on where the configuration
 * lists it. */
bool headers_are_personal(const char *name);
/* Whether hermes_watch.pass_headers of VIEW lists it. */
bool headers_are_passed(const struct hermes_view *view, const char *name);
/* Whether a header of the provider goes on to the client. */
bool headers_come_down(const char *name, size_t len, const char *connection);

/* Whether a header of the provider says when, or whether, to ask again. */
bool headers_say_when(const char *name, size_t len);

/* Where a file is to be sent that Google takes. */
#define HEADERS_UPLOAD_URL "x-goog-upload-url"
bool headers_are_upload_url(const char *name, size_t len);

/* Adds "Name: value" and a NUL to a list of lines. */
bool headers_add(struct bytes *lines, const char *name, const char *value) MUST_CHECK;
/* The value of the first of those lines with that NAME; NULL: none. */
const char *headers_line(const struct bytes *lines, const char *name);
void headers_remove(struct bytes *lines, const char *name);
/* What the provider wants besides the client's LINES: its key, which travels as AUTH says, and the headers of the
 * configuration, which overrule the client's. The result holds a key. */
bool headers_for(const struct hermes_attempt *attempt, const char *auth, enum dialect dialect,
                 const struct bytes *lines, struct bytes *result) MUST_CHECK;

/* Walks "Name: value\r\n" lines: true while there is one. *AT starts at 0. */
struct header_line {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};
bool headers_next(const struct bytes *headers, size_t *at, struct header_line *ret) MUST_CHECK;
/* Whether LINE tells when to ask again and names no time that anybody can go by: a negative one, or one months away. */
bool headers_say_nonsense(const struct header_line *line, double now);
/* The first header of that name, NUL-terminated in BUFFER; NULL: none, or longer than that. */
const char *headers_value(const struct bytes *headers, const char *name, char *buffer, size_t size);

#endif
