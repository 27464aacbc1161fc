#include "reference_place.h"

#include <string.h>

#include "source.h"
#include "source_line.h"

/* In a text that fills a file by itself, its start will do. */
enum { LONG_TEXT = 1 << 16 };

static size_t characters(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

static struct place plain_place(const struct node *node, size_t at, size_t len)
{
    struct place place = node->place;
    place.column += (uint32_t)(characters(node->text, at) + !node->plain);
    place.length = (uint32_t)characters(node->text + at, len);
    return place;
}

static size_t occurrences(const char *text, size_t len, const char *what, size_t what_len)
{
    size_t count = 0;
    for (const char *at = text; (at = memmem(at, len - (size_t)(at - text), what, what_len)) != NULL; at++)
        count++;
    return count;
}

/* The same where escapes, doubled quotes or line ends make NODE's text another one than the file's: it is looked for in
 * the file. */
static struct place written_place(const struct node *node, size_t at, size_t len)
{
    struct place place = node->place;
    const struct source *source = place.source;
    size_t left = occurrences(node->text, at, node->text + at, len);
    size_t skip;
    const char *line = source_line(source, place.line, &skip);
    if (line == NULL)
        return place;
    const char *end = source->bytes + source->len;
    const char *found = line;
    for (size_t i = 1; i < place.column && found < end; i++)
        for (found++; found < end && ((unsigned char)*found & 0xC0) == 0x80;)
            found++;
    while ((found = memmem(found, (size_t)(end - found), node->text + at, len)) != NULL && left-- > 0)
        found++;
    if (found == NULL)
        return place;
    for (const char *stop; (stop = source_line_stop(source, line, &skip)) < found; line = stop + skip)
        place.line++;
    place.column = (uint32_t)characters(line, (size_t)(found - line)) + 1;
    place.length = (uint32_t)characters(node->text + at, len);
    return place;
}

static bool written_as_it_is(const struct node *node)
{
    return node->place.length == characters(node->text, node->len) + (node->plain ? 0 : 2);
}

struct place reference_place(const struct node *node, size_t at, size_t len)
{
    if (node->len > LONG_TEXT)
        return node->place;
    return written_as_it_is(node) ? plain_place(node, at, len) : written_place(node, at, len);
}
