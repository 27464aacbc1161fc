/* A configuration is mostly comments, and libyaml takes as long over a byte of a comment as over any other. What stands
 * in a comment that has a whole line of its own is therefore left out: its blanks, its `#` and its line end stay, so
 * that every token keeps its line and column.
 *
 *     struct yaml_comments comments = yaml_comments_of(bytes, len);
 *     yaml_parser_set_input(&parser, yaml_comments_skip, &comments);
 *
 * Such a line can also be part of a text: of a quoted or a block scalar, which then has a `#` in it. Only the parser
 * can tell, so whoever meets a `#` in a scalar of several lines, or an error, must read the whole text instead. Until
 * that line the parser has seen nothing but comments otherwise than they are written. */
#ifndef HERMES_YAML_COMMENTS_H
#define HERMES_YAML_COMMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include <yaml.h>

#include "must_check.h"

struct yaml_comments {
    const char *at;   /* given out up to here; */
    const char *stop; /* until here it is given out as it is; */
    const char *next; /* and then it goes on from here */
    const char *end;
};

/* BYTES are UTF-8 in which lines end with LF, and outlive the reading. */
struct yaml_comments yaml_comments_of(const char *bytes, size_t len);
/* A yaml_read_handler_t. */
int yaml_comments_skip(void *comments, unsigned char *buffer, size_t size, size_t *ret_read) MUST_CHECK;
/* Whether a comment may have been cut short in this event. */
bool yaml_comments_may_be_in(const yaml_event_t *scalar);

#endif
