#include "yaml_comments.h"

#include <stdint.h>
#include <string.h>

#define EACH_BYTE(value) (UINT64_MAX / 0xFF * (value))

/* Printable ASCII. What some reader takes for the end of a line, or for no character at all, is outside it. Eight bytes
 * at a time: the lowest strange one gets no carry from those below it, so its top bit tells. */
static bool is_plain(const char *at, const char *end)
{
    uint64_t strange = 0;
    for (; end - at >= 8; at += 8) {
        uint64_t bytes;
        memcpy(&bytes, at, sizeof bytes);
        strange |= bytes | (bytes - EACH_BYTE(' ')) | (bytes + EACH_BYTE(0x7F - '~'));
    }
    for (; at < end; at++)
        strange |= *at < ' ' || *at > '~' ? EACH_BYTE(0x80) : 0;
    return (strange & EACH_BYTE(0x80)) == 0;
}

/* A last line without its end stays as it is: what ends with the text ends, for libyaml, in that column. */
static void look_at_line(struct yaml_comments *c)
{
    const char *eol = memchr(c->at, '\n', (size_t)(c->end - c->at));
    const char *sign = c->at;
    while (eol != NULL && *sign == ' ')
        sign++;
    if (eol != NULL && *sign == '#' && is_plain(sign, eol)) {
        c->stop = sign + 1;
        c->next = eol;
    } else {
        c->next = c->stop = eol != NULL ? eol + 1 : c->end;
    }
}

struct yaml_comments yaml_comments_of(const char *bytes, size_t len)
{
    return (struct yaml_comments){bytes, bytes, bytes, bytes + len};
}

int yaml_comments_skip(void *comments, unsigned char *buffer, size_t size, size_t *ret_read)
{
    struct yaml_comments *c = comments;
    size_t used = 0;
    while (used < size) {
        if (c->at == c->stop) {
            c->at = c->stop = c->next;
            if (c->at == c->end)
                break;
            look_at_line(c);
        }
        size_t left = (size_t)(c->stop - c->at);
        size_t part = left < size - used ? left : size - used;
        memcpy(buffer + used, c->at, part);
        used += part;
        c->at += part;
    }
    *ret_read = used;
    return 1;
}

bool yaml_comments_may_be_in(const yaml_event_t *scalar)
{
    return scalar->data.scalar.style != YAML_PLAIN_SCALAR_STYLE && scalar->end_mark.line > scalar->start_mark.line &&
           memchr(scalar->data.scalar.value, '#', scalar->data.scalar.length) != NULL;
}
