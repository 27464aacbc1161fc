#include "yaml_load.h"

#include <math.h>
#include <string.h>

#include <sodium.h>
#include <yaml.h>

#include "memory.h"
#include "name_table.h"
#include "source.h"
#include "syntax_slip.h"
#include "utf8.h"
#include "yaml_comments.h"
#include "yaml_compose.h"
#include "yaml_loader.h"
#include "yaml_readers.h"

enum { MAX_DIRECTIVES = 100 };

static bool check_encoding(struct yaml_loader *l, const char *bytes, size_t len)
{
    size_t at = utf8_valid(bytes, len);
    if (at == len)
        return true;
    const char *encoding = syntax_slip_encoding(bytes, len);
    struct place place = yaml_loader_place_of_offset(l, bytes, len, at);
    struct diagnostic *d = encoding != NULL ? diagnostic_add(l->diagnostics, CODE_NOT_UTF_8, place, "%s", encoding)
                                            : diagnostic_add(l->diagnostics, CODE_NOT_UTF_8, place,
                                                             "invalid UTF-8 byte 0x%02x", (unsigned char)bytes[at]);
    diagnostic_help(l->diagnostics, d, "save the file as UTF-8");
    return false;
}

/* Text mode: strict UTF-8 without its BOM; CRLF and lone CR become LF. False after a diagnostic. */
static bool decode(struct yaml_loader *l, struct yaml_input *in)
{
    const struct source *source = l->source;
    size_t mark = source->len >= 3 && memcmp(source->bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    *in = (struct yaml_input){source->bytes + mark, source->len - mark};
    if (!check_encoding(l, in->bytes, in->len))
        return false;
    if (memchr(in->bytes, '\r', in->len) == NULL)
        return true;
    char *out = arena_alloc(l->arena, in->len + 1);
    size_t used = 0;
    for (size_t i = 0; i < in->len; i++) {
        bool returns = in->bytes[i] == '\r';
        out[used++] = returns ? '\n' : in->bytes[i];
        i += returns && i + 1 < in->len && in->bytes[i + 1] == '\n';
    }
    *in = (struct yaml_input){out, used};
    return true;
}

static struct yaml_loader new_loader(struct arena *arena, const struct source *source, struct diagnostics *diagnostics)
{
    return (struct yaml_loader){
        .arena = arena, .source = source, .diagnostics = diagnostics, .values = {.arena = arena}};
}

static void wipe_parser(void *data)
{
    yaml_parser_t *parser = data;
    sodium_memzero(parser->buffer.start, (size_t)(parser->buffer.end - parser->buffer.start));
    sodium_memzero(parser->raw_buffer.start, (size_t)(parser->raw_buffer.end - parser->raw_buffer.start));
    yaml_parser_delete(parser);
}

static struct node *read_document(struct yaml_loader *l, const struct yaml_input *in)
{
    struct yaml_comments comments = yaml_comments_of(in->bytes, in->len);
    if (!yaml_parser_initialize(&l->parser))
        memory_failed();
    struct memory_hold hold;
    memory_hold(&hold, wipe_parser, &l->parser);
    yaml_parser_set_encoding(&l->parser, YAML_UTF8_ENCODING);
    if (l->shortened)
        yaml_parser_set_input(&l->parser, yaml_comments_skip, &comments);
    else
        yaml_parser_set_input_string(&l->parser, (const unsigned char *)in->bytes, in->len);
    struct node *root = yaml_compose(l, in);
    memory_give_back(&hold);
    arena_give_back(l->arena, l->stack, l->stack_capacity * sizeof *l->stack);
    return root;
}

/* libyaml compares each %TAG line with all before it. */
static bool too_many_directives(const struct yaml_loader *l, const struct yaml_input *in)
{
    const char *end = in->bytes + in->len;
    size_t count = 0;
    for (const char *at = in->bytes; (at = memchr(at, '%', (size_t)(end - at))) != NULL; at++) {
        bool starts_a_line = at == in->bytes || at[-1] == '\n' || at[-1] == '\r' || (unsigned char)at[-1] >= 0x80;
        if (!starts_a_line || end - at < 4 || memcmp(at, "%TAG", 4) != 0 || ++count <= MAX_DIRECTIVES)
            continue;
        (void)diagnostic_add(l->diagnostics, CODE_DIRECTIVE_LIMIT,
                             yaml_loader_place_of_offset(l, in->bytes, in->len, (size_t)(at - in->bytes)),
                             "more than %d %%TAG lines", MAX_DIRECTIVES);
        return true;
    }
    return false;
}

struct node *yaml_load(struct arena *arena, const struct source *source, struct diagnostics *diagnostics)
{
    struct diagnostics said = {.arena = arena, .most = diagnostics->most};
    struct yaml_loader l = new_loader(arena, source, diagnostics);
    struct yaml_input in;
    if (!decode(&l, &in) || too_many_directives(&l, &in))
        return NULL;
    const bool readers_may_differ = yaml_readers_may_differ(in.bytes, in.len);
    l.diagnostics = &said;
    l.shortened = !readers_may_differ; /* the readers are compared character by character */
    struct node *root = l.shortened ? read_document(&l, &in) : NULL;
    if (l.failed || !l.shortened) {
        l = new_loader(arena, source, &said);
        said = (struct diagnostics){.arena = arena, .most = diagnostics->most};
        l.readers_may_differ = readers_may_differ;
        root = read_document(&l, &in);
    }
    diagnostics_append(diagnostics, &said);
    if (l.failed)
        return NULL;
    if (readers_may_differ)
        yaml_readers_check(source, in.bytes, in.len, &l.texts, diagnostics);
    diagnostics_append(diagnostics, &l.values);
    return l.values.count > 0 ? NULL : root;
}
