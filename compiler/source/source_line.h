/* Lines of a source, as an editor counts them. */
#ifndef HERMES_SOURCE_LINE_H
#define HERMES_SOURCE_LINE_H

#include "source.h"

/* Line NUMBER as it stands in the source, from 1; NULL when there are not so many. */
const char *source_line(const struct source *source, unsigned number, size_t *ret_len);
/* Where the line that starts at START ends, and how long its end is. YAML has more of these than env files. */
const char *source_line_stop(const struct source *source, const char *start, size_t *ret_length);

#endif
