#include "yaml_readers.h"

#include <string.h>

#include "arena.h"
#include "utf8.h"

static const char mark[] = "\xEF\xBB\xBF";

void yaml_readers_add_text(struct arena *arena, struct yaml_texts *texts, struct yaml_text text)
{
    ARENA_GROW(arena, texts->items, texts->capacity, texts->count + 1);
    texts->items[texts->count++] = text;
}

/* Whether the tag that starts at AT runs into a comma. */
static bool tag_meets_comma(const char *at, const char *end)
{
    while (at < end && strchr(" \t\n,[]{}", *at) == NULL)
        at++;
    return at < end && *at == ',';
}

/* `|#`, `>-#`, `|2#`: FIRST is the text's first byte. */
static bool follows_block_sign(const char *first, const char *hash)
{
    return hash > first && hash[-1] > ' ' && strchr("|>+-0123456789", hash[-1]) != NULL;
}

/* `[a, ?]`: a question mark that is neither a text nor in front of a key. */
static bool bare_question(const char *at, const char *end)
{
    return end - at > 1 && strchr(",]}", at[1]) != NULL;
}

bool yaml_readers_may_differ(const char *bytes, size_t len)
{
    const char *end = bytes + len;
    if (memchr(bytes, '\t', len) != NULL || utf8_find(bytes, len, mark) != NULL)
        return true;
    for (const char *at = bytes; (at = memchr(at, '#', (size_t)(end - at))) != NULL; at++)
        if (follows_block_sign(bytes, at))
            return true;
    for (const char *at = bytes; (at = memchr(at, '!', (size_t)(end - at))) != NULL; at++)
        if (tag_meets_comma(at, end))
            return true;
    for (const char *at = bytes; (at = memchr(at, '?', (size_t)(end - at))) != NULL; at++)
        if (bare_question(at, end))
            return true;
    return false;
}

/* Where a character stands. A text begins with its anchor and tag, if it has some. */
enum part { OUTSIDE, PROPERTIES, HEADER /* `|-` */, INSIDE };

struct walk {
    const struct source *source;
    const char *bytes;
    const char *end;
    const struct yaml_texts *texts;
    struct diagnostics *diagnostics;
    size_t text;      /* the text that CHARACTER is in, or the next one */
    size_t character; /* from 0, as texts are counted */
    uint32_t line;
    uint32_t column;
    enum part part;
    bool quiet; /* behind a comment's sign, or something that was reported: until the line ends */
};

static void report(struct walk *w, enum diagnostic_code code, const char *message, const char *help)
{
    struct place place = {w->source, w->line, w->column, 1};
    struct diagnostic *d = diagnostic_add(w->diagnostics, code, place, "%s", message);
    diagnostic_help(w->diagnostics, d, "%s", help);
    w->quiet = true;
}

bool yaml_readers_line_break(const char *at, size_t len)
{
    return *at == '\n' || (len == 2 && memcmp(at, "\xC2\x85", 2) == 0) ||
           (len == 3 && (memcmp(at, "\xE2\x80\xA8", 3) == 0 || memcmp(at, "\xE2\x80\xA9", 3) == 0));
}

/* AT is no character of a text. */
static void look(struct walk *w, const char *at, size_t len, bool behind_blank)
{
    const struct yaml_texts *texts = w->texts;
    bool behind_text = w->text > 0 && texts->items[w->text - 1].end == w->character; /* 'x'#c is a comment, too */
    if (*at == '#' && w->part == HEADER && !behind_blank)
        report(
            w, CODE_YAML_READERS_DIFFER,
            "a comment directly behind a block scalar's sign: one of Hermes's two YAML readers refuses the whole file",
            "put a space before the #");
    else if (*at == '#' && (behind_blank || behind_text))
        w->quiet = true;
    else if (*at == '\t')
        report(w, CODE_YAML_TAB, "a tab: one of Hermes's two YAML readers refuses the whole file for it",
               "replace it with spaces");
    else if (len == 3 && memcmp(at, mark, 3) == 0)
        report(w, CODE_YAML_READERS_DIFFER,
               "a byte order mark inside the file: Hermes's two YAML readers differ about it", "remove it");
    else if (*at == '!' && tag_meets_comma(at, w->end))
        report(w, CODE_YAML_READERS_DIFFER,
               "a tag directly before a comma: one of Hermes's two YAML readers takes the comma for a part of it",
               "put a value or a space after the tag");
    else if (*at == '?' && behind_blank && bare_question(at, w->end))
        report(w, CODE_YAML_READERS_DIFFER, "a bare \"?\" in brackets: Hermes's two YAML readers differ about it",
               "put it in quotes");
}

static void find_part(struct walk *w, char c)
{
    const struct yaml_texts *texts = w->texts;
    while (w->text < texts->count && texts->items[w->text].end <= w->character) {
        w->text++;
        w->part = OUTSIDE;
    }
    if (w->text == texts->count)
        return;
    if (texts->items[w->text].start == w->character)
        w->part = PROPERTIES;
    if (w->part != PROPERTIES)
        return;
    if (texts->items[w->text].block && (c == '|' || c == '>'))
        w->part = HEADER;
    else if (!texts->items[w->text].block && (c == '"' || c == '\''))
        w->part = INSIDE;
}

/* One character. */
static void step(struct walk *w, const char *at, size_t len, bool behind_blank)
{
    find_part(w, *at);
    if (w->part != INSIDE && !w->quiet)
        look(w, at, len, behind_blank);
    w->character++;
    w->column++;
    if (!yaml_readers_line_break(at, len))
        return;
    w->line++;
    w->column = 1;
    w->quiet = false;
    if (w->part == HEADER)
        w->part = INSIDE;
}

void yaml_readers_check(const struct source *source, const char *bytes, size_t len, const struct yaml_texts *texts,
                        struct diagnostics *diagnostics)
{
    struct walk w = {source, bytes, bytes + len, texts, diagnostics, 0, 0, 1, 1, OUTSIDE, false};
    bool behind_blank = true;
    for (const char *at = bytes; at < w.end;) {
        size_t length = utf8_length(at, (size_t)(w.end - at));
        step(&w, at, length, behind_blank);
        behind_blank = *at == ' ' || *at == '\t' || yaml_readers_line_break(at, length);
        at += length;
    }
}
