/* What only one of Hermes's two YAML readers takes. libyaml, and with it most of Hermes, takes tabs between tokens for
 * blanks, a byte order mark in the middle for nothing, `|#` for a comment behind a block scalar's sign, and ends a tag
 * at a comma; PyYAML's own scanner, which parts of the gateway use, refuses the whole file for it or reads something
 * else. Inside quotes, comments and block scalars all of these are text. */
#ifndef HERMES_YAML_READERS_H
#define HERMES_YAML_READERS_H

#include "diagnostic.h"

/* The quoted and block scalars of a document, in the order of the text; counted in characters. */
struct yaml_texts {
    struct yaml_text {
        size_t start;
        size_t end;
        bool block; /* its first line is no text yet: `|-` */
    } * items;
    size_t count;
    size_t capacity;
};

void yaml_readers_add_text(struct arena *arena, struct yaml_texts *texts, struct yaml_text text);

/* Whether the character of LEN bytes at AT ends a line to YAML 1.1, which knows more such than editors do. */
bool yaml_readers_line_break(const char *at, size_t len);

/* Whether BYTES, a document, hold anything of this kind, be it in a text: only then is it worth gathering the texts. */
bool yaml_readers_may_differ(const char *bytes, size_t len);
/* A warning for each line that has some. */
void yaml_readers_check(const struct source *source, const char *bytes, size_t len, const struct yaml_texts *texts,
                        struct diagnostics *diagnostics);

#endif
