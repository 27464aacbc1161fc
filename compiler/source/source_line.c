#include "source_line.h"

#include <string.h>

#include "utf8.h"

bool source_is_yaml(const struct source *source)
{
    return source->kind == SOURCE_CONFIG || source->kind == SOURCE_MANAGED_CONFIG;
}

bool source_is_read_at_start(const struct source *source)
{
    return source->kind == SOURCE_MANAGED_ENV || source->kind == SOURCE_OP_ENV;
}

enum { LONGEST_BREAK = 3 };
static const char *const other_breaks[] = {"\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"};

/* The first line break between START and END, or END. */
static const char *first_break(const char *start, const char *end, bool yaml, size_t *ret_length)
{
    const char *stop = memchr(start, '\n', (size_t)(end - start));
    stop = stop == NULL ? end : stop;
    *ret_length = 1;
    const char *earlier = memchr(start, '\r', (size_t)(stop - start));
    if (earlier != NULL) {
        *ret_length = end - earlier > 1 && earlier[1] == '\n' ? 2 : 1;
        stop = earlier;
    }
    for (size_t i = 0; yaml && i < sizeof other_breaks / sizeof *other_breaks; i++) {
        earlier = utf8_find(start, (size_t)(stop - start), other_breaks[i]);
        if (earlier == NULL)
            continue;
        *ret_length = strlen(other_breaks[i]);
        stop = earlier;
    }
    return stop;
}

/* A window at a time: where lines end in one way, the next end of another kind may be a whole file away. */
const char *source_line_stop(const struct source *source, const char *start, size_t *ret_length)
{
    enum { WINDOW = 256 };
    const char *end = source->bytes + source->len;
    for (; end - start > WINDOW + LONGEST_BREAK; start += WINDOW) {
        const char *window_end = start + WINDOW + LONGEST_BREAK - 1;
        const char *stop = first_break(start, window_end, source_is_yaml(source), ret_length);
        if (stop < start + WINDOW)
            return stop;
    }
    return first_break(start, end, source_is_yaml(source), ret_length);
}

const char *source_line(const struct source *source, unsigned number, size_t *ret_len)
{
    const char *start = source->bytes;
    const char *end = source->bytes + source->len;
    if (source_is_yaml(source) && source->len >= 3 && memcmp(start, "\xEF\xBB\xBF", 3) == 0)
        start += 3; /* YAML's places do not count the byte order mark */
    for (unsigned line = 1; start <= end; line++) {
        size_t length;
        const char *stop = source_line_stop(source, start, &length);
        if (line == number) {
            *ret_len = (size_t)(stop - start);
            return start;
        }
        start = stop + length;
    }
    return NULL;
}
