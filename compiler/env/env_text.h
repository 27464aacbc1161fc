/* The text of an env file that Hermes's readers start from: decoded, its lines stripped. */
#ifndef HERMES_ENV_TEXT_H
#define HERMES_ENV_TEXT_H

#include "diagnostic.h"
#include "text.h"

/* Where a line starts, in the text and in the file: inside a line characters follow each other as there. */
struct env_line {
    size_t at;
    uint32_t line;
    uint32_t column;
};

struct env_text {
    const struct source *source; /* where its places are: another than the file where that is UTF-16 */
    struct text text;
    struct env_line *lines;
    size_t count;
    size_t capacity;
    bool rewritten; /* Hermes writes the file anew before it reads it */
};

/* What becomes of the file on the way is warned about. Pure. */
struct env_text env_text_of(struct arena *arena, const struct source *source, struct diagnostics *diagnostics);
/* Of so many characters at AT, an offset into the text. */
struct place env_text_place(const struct env_text *env, size_t at, size_t characters);
/* How many there are in LEN bytes of TEXT, up to its line end. */
size_t env_text_characters(const char *text, size_t len);

#endif
