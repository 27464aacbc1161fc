/* What people write into a configuration is comments for the most part, and libyaml takes its time for every character of
 * them. */
#ifndef HERMES_YAML_COMMENTS_H
#define HERMES_YAML_COMMENTS_H

#include <stddef.h>

struct arena;

/* The LEN bytes of TEXT (UTF-8, lines end with LF, yaml_readers_may_differ found nothing in it), with each line that is
 * nothing but a comment emptied: for libyaml the same document, at the same lines and columns. NULL where that cannot be
 * known to be so, or is not worth the trouble. To be given back with LEN + 1 bytes; *RET_LEN is its length. */
char *yaml_without_comments(struct arena *arena, const char *text, size_t len, size_t *ret_len);

#endif
