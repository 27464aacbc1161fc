#include "hold.h"

#include <string.h>
#include <strings.h>

enum hold hold_for(int status, const char *content_type)
{
    if (status >= 400)
        return HOLD_BODY;
    if (content_type == NULL)
        return HOLD_NOTHING;
    if (strncasecmp(content_type, "text/event-stream", 17) == 0)
        return HOLD_EVENT;
    return strcasestr(content_type, "json") != NULL ? HOLD_BODY : HOLD_NOTHING;
}

/* The length of a line's end at AT (CR LF, LF or CR); 0: none. */
static size_t line_end(const char *stream, size_t at, size_t len)
{
    if (stream[at] == '\n')
        return 1;
    if (stream[at] != '\r')
        return 0;
    return at + 1 < len && stream[at + 1] == '\n' ? 2 : 1;
}

bool hold_first_event(const char *stream, size_t len, size_t *ret_len)
{
    bool data = false;
    size_t line = 0;
    for (size_t at = 0; at < len;) {
        size_t end = line_end(stream, at, len);
        if (end == 0) {
            at++;
            continue;
        }
        if (at == line && data) {
            *ret_len = at + end;
            return true;
        }
        if (at - line >= 5 && memcmp(stream + line, "data:", 5) == 0)
            data = true;
        at += end;
        line = at;
    }
    return false;
}
