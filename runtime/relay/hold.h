/* How much of an answer is held back until it can be judged. */
#ifndef HERMES_HOLD_H
#define HERMES_HOLD_H

#include <stdbool.h>
#include <stddef.h>

enum { HOLD_LIMIT = 64 * 1024 };

enum hold {
    HOLD_NOTHING, /* its headers say enough */
    HOLD_EVENT,   /* until the first event of a stream is whole */
    HOLD_BODY,    /* until it is all there, or HOLD_LIMIT of it */
};

/* CONTENT_TYPE may be NULL. */
enum hold hold_for(int status, const char *content_type);
/* Whether an event with data is whole in the LEN bytes of a stream; comments do not count. *RET_LEN: up to its end. */
bool hold_first_event(const char *stream, size_t len, size_t *ret_len);

#endif
