/* Whether a body in chunks can be read in one way only.
 *
 * libmicrohttpd before 0.9.77.1 takes a bare line feed for the end of a chunk, a proxy in front may not, and the
 * server shows a body without what stands between its chunks. So its bytes are looked at where they come in: this file
 * defines the server's `recv`, as a program may for the libraries it is linked with. */
#ifndef HERMES_CHUNKS_H
#define HERMES_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "must_check.h"

enum chunks_state {
    CHUNKS_SIZE, /* digits of a chunk's size */
    CHUNKS_EXTENSION,
    CHUNKS_SIZE_LF, /* the line feed behind it, and so on */
    CHUNKS_DATA,
    CHUNKS_DATA_CR,
    CHUNKS_DATA_LF,
    CHUNKS_TRAILER, /* a line behind the last chunk, until the blank one */
    CHUNKS_TRAILER_LF,
    CHUNKS_OVER,
    CHUNKS_BROKEN,
};

/* A body as it comes in; zero at its first byte. */
struct chunks {
    enum chunks_state state;
    uint64_t size;   /* of the chunk; then what is left of it */
    unsigned digits; /* of its size, or bytes of the trailer's line */
    int fd;          /* of the connection that is watched */
    char *first;     /* where the connection's first bytes were put: the beginning of the server's memory for it */
    struct chunks *next;
};

/* The body's next LEN bytes. */
void chunks_take(struct chunks *chunks, const char *data, size_t len);

/* Notes `first` of a new connection, until chunks_leave. */
void chunks_expect(struct chunks *chunks, int fd);
/* Watches what comes in on FD in this thread, until chunks_leave. END is the end of the last header's value in the
 * server's memory, where it has put a NUL for each byte of a line end. False: where the body begins can't be told, as
 * the request has not come in last. */
bool chunks_watch(struct chunks *chunks, int fd, const char *end) MUST_CHECK;
/* Fine when it is neither watched nor expected. */
void chunks_leave(struct chunks *chunks);

#endif
