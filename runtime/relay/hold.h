/* How much of an answer is held back until it can be judged. */
#ifndef HERMES_HOLD_H
#define HERMES_HOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "must_check.h"

/* A preamble of OpenAI's responses repeats the instructions and tools of the request, twice. */
enum { HOLD_LIMIT = 64 * 1024, HOLD_EVENT_LIMIT = 512 * 1024 };

enum hold {
    HOLD_NOTHING, /* its headers say enough */
    HOLD_EVENT,   /* until the first event of a stream that says something: a provider may fail behind a preamble */
    HOLD_LINE,    /* until the first line of a stream of JSON lines */
    HOLD_VALUE,   /* a JSON value: until it is all there; of a list, its first element; blanks are a sign of life */
    HOLD_BODY,    /* until it is all there, or HOLD_LIMIT of it */
};

/* CONTENT_TYPE may be NULL. */
enum hold hold_for(int status, const char *content_type);

/* So many bytes are held at most. */
size_t hold_limit(enum hold hold);

/* A piece of an answer. */
struct hold_piece {
    size_t start;
    size_t end;
};
/* Whether the LEN bytes that have come of an answer are enough; *RET is what it is judged by. */
bool hold_enough(enum hold hold, const char *body, size_t len, struct hold_piece *ret) MUST_CHECK;

#endif
