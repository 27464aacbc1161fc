#include "masked_line.h"

#include <stdint.h>
#include <string.h>

#include "plain_name.h"
#include "source.h"
#include "source_line.h"
#include "utf8.h"
#include "vocabulary.h"

enum {
    WINDOW_BEFORE = 60, /* bytes that are shown in front of a caret far to the right */
    LONGEST_NAME = 48
};

struct painter {
    struct masked_line *line;
    size_t used;        /* bytes of text */
    size_t shown;       /* terminal columns so far */
    size_t character;   /* characters of the source line so far */
    size_t caret_start; /* in characters, from 0 */
    size_t caret_end;
    size_t caret_end_column;
    bool caret_seen;
    size_t name_at; /* in bytes: where a setting's or variable's name starts, SIZE_MAX: there is none */
    bool name;      /* what the caret points at is a name */
};

static size_t character_length(const char *at, size_t left)
{
    size_t len = 1;
    while (len < left && ((unsigned char)at[len] & 0xC0) == 0x80 && len < 4)
        len++;
    return len;
}

static bool word_byte(char c)
{
    return c != '\0' && strchr(" \t:,{}[]\"'#=&*!|>%@`", c) == NULL;
}

static bool name_byte(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* `${NAME}`: names a key, holds none. 0 when AT does not start one. */
static size_t reference_length(const char *at, size_t left)
{
    if (left < 4 || at[0] != '$' || at[1] != '{')
        return 0;
    size_t len = 2;
    while (len < left && name_byte(at[len]))
        len++;
    bool looks_like_a_name = len > 2 && len - 2 <= LONGEST_NAME && !(at[2] >= '0' && at[2] <= '9');
    for (size_t i = 2; i < len; i++)
        looks_like_a_name = looks_like_a_name && !(at[i] >= 'a' && at[i] <= 'z');
    return looks_like_a_name && plain_name(at + 2, len - 2) && len < left && at[len] == '}' ? len + 1 : 0;
}

static size_t word_length(const char *at, size_t left)
{
    size_t len = 0;
    while (len < left && word_byte(at[len]) && reference_length(at + len, left - len) == 0)
        len++;
    return len;
}

/* Writes COLUMNS columns for CHARACTERS characters of the source. */
static void paint(struct painter *p, const char *text, size_t bytes, size_t columns, size_t characters)
{
    size_t from = p->character;
    size_t to = from + characters;
    if (p->used + bytes >= sizeof p->line->text)
        return;
    if (!p->caret_seen && p->caret_start < to) {
        p->caret_seen = true;
        p->line->caret = p->shown + (columns == characters ? p->caret_start - from : 0);
    }
    memcpy(p->line->text + p->used, text, bytes);
    p->used += bytes;
    p->shown += columns;
    p->character = to;
    if (p->caret_seen && from < p->caret_end)
        p->caret_end_column = columns == characters && p->caret_end < to ? p->shown - (to - p->caret_end) : p->shown;
}

static size_t count_characters(const char *at, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i += character_length(at + i, len - i))
        count++;
    return count;
}

/* The dash of a list, a block scalar's dash. */
static bool only_punctuation(const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (name_byte(at[i]) || (unsigned char)at[i] < 0x20 || (unsigned char)at[i] >= 0x7F)
            return false;
    return true;
}

/* Where the name starts that LINE gives a value to, behind blanks, the dashes of a list and `export`; SIZE_MAX where
 * none does. A line of base64 that ends in "=" has no name. */
static size_t name_of_line(const char *line, size_t len, bool yaml)
{
    size_t at = 0;
    bool underscore = false;
    while (at < len &&
           (line[at] == ' ' || line[at] == '\t' || (yaml && line[at] == '-' && at + 1 < len && line[at + 1] == ' ')))
        at++;
    if (!yaml && len - at > 7 && memcmp(line + at, "export ", 7) == 0)
        at += 7;
    size_t end = at;
    for (; end < len && (name_byte(line[end]) || (yaml && line[end] == '-')); end++)
        underscore = underscore || line[end] == '_';
    bool named = yaml ? end < len && line[end] == ':' && (end + 1 == len || line[end + 1] == ' ')
                      : underscore && end + 1 < len && line[end] == '=' && line[end + 1] != '=';
    return named && end - at <= LONGEST_NAME && plain_name(line + at, end - at) ? at : SIZE_MAX;
}

static size_t paint_next(struct painter *p, const char *at, size_t left, bool is_name)
{
    size_t reference = reference_length(at, left);
    if (reference > 0) {
        paint(p, at, reference, reference, reference);
        return reference;
    }
    size_t word = word_length(at, left);
    if (word == 0) { /* punctuation; a tab takes one column here so that the caret stays true */
        paint(p, *at == '\t' ? " " : at, 1, 1, 1);
        return 1;
    }
    size_t characters = count_characters(at, word);
    bool meant = is_name || (p->name && p->character == p->caret_start && plain_name(at, word));
    if (meant || vocabulary_has(at, word) || only_punctuation(at, word))
        paint(p, at, word, word, word);
    else
        paint(p, "***", 3, 3, characters);
    return word;
}

static void paint_line(struct painter *p, const char *text, size_t len)
{
    for (size_t at = 0; at < len && p->shown < MASKED_LINE_MAX;)
        at += paint_next(p, text + at, len - at, at == p->name_at);
}

/* The byte to start at so that character CARET of a long line is seen: some words before it, and never inside one,
 * whose rest could pass for a known word. */
static size_t window_start(const char *text, size_t len, size_t caret)
{
    size_t at = 0;
    for (size_t i = 0; i < caret && at < len; i++)
        at += character_length(text + at, len - at);
    at = at > WINDOW_BEFORE ? at - WINDOW_BEFORE : 0;
    while (at > 0 && word_byte(text[at - 1]))
        at--;
    return at;
}

bool masked_line_make(struct place place, bool name, struct masked_line *line)
{
    size_t len;
    const char *text = source_line(place.source, place.line, &len);
    if (text == NULL)
        return false;
    *line = (struct masked_line){.width = 1};
    size_t start = place.column > 0 ? place.column - 1 : 0;
    size_t end = start + (place.length ? place.length : 1);
    struct painter p = {.line = line, .name = name, .caret_start = start, .caret_end = end};
    p.name_at = name_of_line(text, len, source_is_yaml(place.source));
    paint_line(&p, text, len);
    size_t at = p.caret_seen || p.shown < MASKED_LINE_MAX ? 0 : window_start(text, len, start);
    if (at > 0) {
        size_t before = count_characters(text, at);
        p = (struct painter){
            .line = line, .name = name, .name_at = SIZE_MAX, .caret_start = start - before, .caret_end = end - before};
        paint(&p, "... ", 4, 4, 0);
        paint_line(&p, text + at, len - at);
    }
    if (!p.caret_seen)
        line->caret = p.shown;
    else if (p.caret_end_column > line->caret)
        line->width = p.caret_end_column - line->caret;
    line->text[p.used] = '\0';
    return true;
}
