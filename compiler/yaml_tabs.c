#include "yaml_tabs.h"

#include "arena.h"

void yaml_texts_add(struct arena *arena, struct yaml_texts *texts, struct yaml_text text)
{
    void *items = texts->items;
    arena_grow(arena, &items, &texts->capacity, texts->count + 1, sizeof *texts->items);
    texts->items = items;
    texts->items[texts->count++] = text;
}

static void report(const struct source *source, uint32_t line, uint32_t column, struct diagnostics *diagnostics)
{
    struct diagnostic *d = diagnose(diagnostics, SEVERITY_WARNING, "yaml-tab", (struct place){source, line, column, 1},
                                    "a tab: one of Hermes's two YAML readers refuses the whole file for it");
    diagnostic_help(diagnostics, d, "put blanks in its place");
}

void yaml_tabs_check(const struct source *source, const char *bytes, size_t len, const struct yaml_texts *texts,
                     struct diagnostics *diagnostics)
{
    uint32_t line = 1;
    uint32_t column = 1;
    size_t text = 0;
    size_t character = 0;
    bool header = false; /* of a block scalar */
    bool quiet = false;  /* behind a comment's sign, or a tab that was reported: until the line ends */
    char last = '\n';
    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];
        if (((unsigned char)c & 0xC0) == 0x80)
            continue;
        while (text < texts->count && texts->items[text].end <= character)
            text++;
        if (text < texts->count && texts->items[text].start == character)
            header = texts->items[text].block;
        bool inside = text < texts->count && texts->items[text].start <= character && !header;
        bool behind_text = text > 0 && texts->items[text - 1].end == character; /* 'x'#c is a comment, too */
        if (!inside && c == '#' && (last == ' ' || last == '\t' || last == '\n' || behind_text))
            quiet = true;
        if (!inside && !quiet && c == '\t') {
            report(source, line, column, diagnostics);
            quiet = true;
        }
        character++;
        column++;
        last = c;
        if (c == '\n') {
            line++;
            column = 1;
            quiet = false;
            header = false;
        }
    }
}
