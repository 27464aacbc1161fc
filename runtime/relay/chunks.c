#include "chunks.h"

#include <string.h>
#include <sys/socket.h>

enum { SIZE_DIGITS = 15 };

/* What this thread received last, and the bodies that are coming in. */
static _Thread_local struct {
    int fd;
    const char *bytes;
    size_t len;
} last;
static _Thread_local struct chunks *watched;
static _Thread_local struct chunks *expected;

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static enum chunks_state in_size(struct chunks *chunks, char c)
{
    int digit = hex_digit(c);
    if (digit >= 0 && chunks->digits++ < SIZE_DIGITS) {
        chunks->size = chunks->size * 16 + (uint64_t)digit;
        return CHUNKS_SIZE;
    }
    return digit >= 0 || chunks->digits == 0 ? CHUNKS_BROKEN
           : c == ';'                        ? CHUNKS_EXTENSION
           : c == '\r'                       ? CHUNKS_SIZE_LF
                                             : CHUNKS_BROKEN;
}

/* Text that ends with CR LF. */
static enum chunks_state in_line(enum chunks_state state, char c)
{
    if (c == '\r')
        return state == CHUNKS_EXTENSION ? CHUNKS_SIZE_LF : CHUNKS_TRAILER_LF;
    return c == '\n' || c == '\0' ? CHUNKS_BROKEN : state;
}

static enum chunks_state after(struct chunks *chunks, char c)
{
    enum chunks_state state = chunks->state;
    unsigned digits = chunks->digits;
    switch (state) {
    case CHUNKS_SIZE:
        return in_size(chunks, c);
    case CHUNKS_TRAILER:
        chunks->digits += c != '\r';
        return in_line(state, c);
    case CHUNKS_EXTENSION:
        return in_line(state, c);
    case CHUNKS_DATA_CR:
        return c == '\r' ? CHUNKS_DATA_LF : CHUNKS_BROKEN;
    default:
        break;
    }
    chunks->digits = 0; /* a line feed, and nothing else */
    if (c != '\n')
        return CHUNKS_BROKEN;
    return state == CHUNKS_DATA_LF      ? CHUNKS_SIZE
           : state == CHUNKS_TRAILER_LF ? digits == 0 ? CHUNKS_OVER : CHUNKS_TRAILER
           : chunks->size > 0           ? CHUNKS_DATA
                                        : CHUNKS_TRAILER;
}

void chunks_take(struct chunks *chunks, const char *data, size_t len)
{
    for (size_t at = 0; at < len && chunks->state < CHUNKS_OVER;) {
        if (chunks->state != CHUNKS_DATA) {
            chunks->state = after(chunks, data[at++]);
            continue;
        }
        size_t count = chunks->size < len - at ? (size_t)chunks->size : len - at;
        chunks->size -= count;
        at += count;
        if (chunks->size == 0)
            chunks->state = CHUNKS_DATA_CR;
    }
}

static void leave(struct chunks **list, const struct chunks *chunks)
{
    while (*list != NULL && *list != chunks)
        list = &(*list)->next;
    if (*list != NULL)
        *list = chunks->next;
}

/* Takes the place of libc's, which is the same. (Fortified headers define a function of that name.) */
ssize_t chunks_receive(int fd, void *buffer, size_t size, int flags) __asm__("recv")
    __attribute__((visibility("default")));

ssize_t chunks_receive(int fd, void *buffer, size_t size, int flags)
{
    ssize_t len = recvfrom(fd, buffer, size, flags, NULL, NULL);
    if (len <= 0)
        return len;
    for (struct chunks *chunks = expected; chunks != NULL; chunks = chunks->next)
        if (chunks->fd == fd) {
            chunks->first = buffer;
            leave(&expected, chunks);
            break;
        }
    last.fd = fd;
    last.bytes = buffer;
    last.len = (size_t)len;
    for (struct chunks *chunks = watched; chunks != NULL; chunks = chunks->next)
        if (chunks->fd == fd)
            chunks_take(chunks, buffer, (size_t)len);
    return len;
}

bool chunks_watch(struct chunks *chunks, int fd, const char *end)
{
    static const char line_ends[4] = {0};
    end += strspn(end, " \t");
    const char *body = end + sizeof line_ends;
    const char *limit = last.bytes + last.len;
    if (last.fd != fd || body <= last.bytes || body > limit || memcmp(end, line_ends, sizeof line_ends) != 0)
        return false;
    *chunks = (struct chunks){.fd = fd, .first = chunks->first, .next = watched};
    watched = chunks;
    chunks_take(chunks, body, (size_t)(limit - body));
    return true;
}

void chunks_expect(struct chunks *chunks, int fd)
{
    *chunks = (struct chunks){.fd = fd, .next = expected};
    expected = chunks;
}

void chunks_leave(struct chunks *chunks)
{
    leave(&watched, chunks);
    leave(&expected, chunks);
}
