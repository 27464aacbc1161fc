/* Lines of a source, and how they may be shown: a word that is not in the vocabulary becomes "***", because nothing
 * else about a broken file can be trusted to tell a key from a name. `${NAME}` stays. */
#ifndef HERMES_MASKED_LINE_H
#define HERMES_MASKED_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "diagnostic.h"
#include "must_check.h"

enum { MASKED_LINE_MAX = 160 };

struct masked_line {
    char text[MASKED_LINE_MAX * 4 + 8];
    size_t caret; /* terminal columns before the caret */
    size_t width; /* terminal columns under it, at least 1 */
};

/* False when the place's source has no such line. */
bool masked_line_make(struct place place, bool name, struct masked_line *line) MUST_CHECK;

#endif
