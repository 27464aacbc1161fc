#include "yaml_comments.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <sodium.h>
#include <yaml.h>

#include "arena.h"
#include "utf8.h"

/* Below this libyaml is as fast as we are. */
enum { WORTH_IT = 4096 };

struct emptied {
    char *text;
    size_t len;
    uint32_t *lines; /* the numbers of those that were emptied, from 0 */
    size_t count;
};

/* Whether all are from blank to `~`: others may end the line for libyaml, or be refused by it. Eight at a time: below a
 * blank the subtraction borrows, above `~` the addition carries into the high bit, or it is set already. */
static bool is_plain(const char *bytes, size_t len)
{
    static const uint64_t ones = 0x0101010101010101u;
    uint64_t odd = 0;
    uint64_t eight;
    for (; len >= sizeof eight; bytes += sizeof eight, len -= sizeof eight) {
        memcpy(&eight, bytes, sizeof eight);
        odd |= eight | (eight - ones * 0x20) | (eight + ones);
    }
    for (; len > 0; bytes++, len--)
        odd |= *bytes < 0x20 || *bytes > 0x7E ? 0x80 : 0;
    return (odd & ones * 0x80) == 0;
}

static bool is_comment(const char *line, size_t len)
{
    size_t indent = 0;
    while (indent < len && line[indent] == ' ')
        indent++;
    return indent < len && line[indent] == '#' && is_plain(line + indent, len - indent);
}

/* The last line may have no end; then it stays as it is, as libyaml ends it by itself. */
static size_t count_comments(const char *text, size_t len, size_t *ret_bytes)
{
    const char *end = text + len;
    size_t count = 0;
    *ret_bytes = 0;
    for (const char *stop; (stop = memchr(text, '\n', (size_t)(end - text))) != NULL; text = stop + 1) {
        size_t length = (size_t)(stop - text);
        bool comment = is_comment(text, length);
        *ret_bytes += comment ? length : 0;
        count += comment;
    }
    return count;
}

static void empty_comments(struct emptied *e, const char *text, size_t len)
{
    const char *end = text + len;
    uint32_t number = 0;
    for (const char *stop; (stop = memchr(text, '\n', (size_t)(end - text))) != NULL; text = stop + 1, number++) {
        size_t length = (size_t)(stop - text);
        if (is_comment(text, length)) {
            e->lines[e->count++] = number;
            e->text[e->len++] = '\n';
        } else {
            memcpy(e->text + e->len, text, length + 1);
            e->len += length + 1;
        }
    }
    memcpy(e->text + e->len, text, (size_t)(end - text));
    e->len += (size_t)(end - text);
}

/* A comment inside a text is text, or ends it: then the emptied line lies between the ends of what libyaml takes for one
 * text. *NEXT: the first emptied line that no earlier text began behind. */
static bool runs_over_one(const struct emptied *e, const yaml_token_t *token, size_t *next)
{
    while (*next < e->count && e->lines[*next] <= token->start_mark.line)
        (*next)++;
    return *next < e->count && e->lines[*next] <= token->end_mark.line;
}

static bool texts_keep_clear(const struct emptied *e, yaml_parser_t *parser)
{
    bool clear = true;
    bool more = true;
    for (size_t next = 0; clear && more;) {
        yaml_token_t token;
        if (!yaml_parser_scan(parser, &token))
            return false;
        more = token.type != YAML_STREAM_END_TOKEN;
        if (token.type == YAML_SCALAR_TOKEN) {
            clear = !runs_over_one(e, &token, &next);
            sodium_memzero(token.data.scalar.value, token.data.scalar.length);
        }
        yaml_token_delete(&token);
    }
    return clear;
}

static bool is_same_document(const struct emptied *e)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        arena_out_of_memory();
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)e->text, e->len);
    bool same = texts_keep_clear(e, &parser);
    sodium_memzero(parser.buffer.start, (size_t)(parser.buffer.end - parser.buffer.start));
    sodium_memzero(parser.raw_buffer.start, (size_t)(parser.raw_buffer.end - parser.raw_buffer.start));
    yaml_parser_delete(&parser);
    return same;
}

/* libyaml would count other lines than we do. */
static bool has_other_breaks(const char *text, size_t len)
{
    return utf8_find(text, len, "\xC2\x85") != NULL || utf8_find(text, len, "\xE2\x80\xA8") != NULL ||
           utf8_find(text, len, "\xE2\x80\xA9") != NULL;
}

char *yaml_without_comments(struct arena *arena, const char *text, size_t len, size_t *ret_len)
{
    size_t bytes;
    size_t count = count_comments(text, len, &bytes);
    if (bytes < WORTH_IT || bytes < len / 2 || has_other_breaks(text, len))
        return NULL;
    struct emptied e = {.text = arena_alloc(arena, len + 1), .lines = arena_alloc(arena, count * sizeof *e.lines)};
    empty_comments(&e, text, len);
    bool same = is_same_document(&e);
    arena_give_back(arena, e.lines, count * sizeof *e.lines);
    if (!same)
        arena_give_back(arena, e.text, len + 1);
    *ret_len = e.len;
    return same ? e.text : NULL;
}
