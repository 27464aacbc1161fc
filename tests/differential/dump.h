/* How a differential test's program talks with its script: texts come in on standard input, each a line with its
 * length and then its bytes; answers go out, one line each. */
#ifndef HERMES_DUMP_H
#define HERMES_DUMP_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "diagnostic.h"
#include "source.h"

/* The next text, in ARENA; false at the end. */
static inline bool dump_next(struct arena *arena, struct source *source)
{
    char line[32];
    if (fgets(line, sizeof line, stdin) == NULL)
        return false;
    size_t len = strtoul(line, NULL, 10);
    char *bytes = arena_alloc(arena, len + 1);
    if (fread(bytes, 1, len, stdin) != len)
        exit(2);
    source->bytes = bytes;
    source->len = len;
    return true;
}

/* Bytes in hex, so that a line of output is a line. */
static inline void dump_hex(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        (void)printf("%02x", (unsigned char)bytes[i]);
}

#endif
