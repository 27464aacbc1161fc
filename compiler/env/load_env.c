#include "load_env.h"

#include <string.h>

#include "text.h"
#include "blank.h"
#include "shown.h"

struct line_reader {
    struct arena *arena;
    const struct source *source;
    const struct environment *environment; /* what this and other files have set at the start */
    struct environment seen;               /* what load_env has made so far; a place has only its line of the text */
    uint32_t line;
};

static bool starts_with(const char *text, size_t len, const char *prefix)
{
    return len >= strlen(prefix) && memcmp(text, prefix, strlen(prefix)) == 0;
}

/* In double quotes `\"` and `\\` mean something, in single quotes nothing does. */
static struct text unquoted(struct arena *arena, const char *value, size_t len)
{
    struct text out = {.arena = arena};
    bool quoted = len >= 2 && (value[0] == '"' || value[0] == '\'') && value[len - 1] == value[0];
    bool escapes = quoted && value[0] == '"';
    text_append(&out, "", 0);
    for (size_t i = quoted; i < len - quoted; i++) {
        if (escapes && value[i] == '\\' && i + 1 < len - 1 && (value[i + 1] == '"' || value[i + 1] == '\\'))
            i++;
        text_putc(&out, value[i]);
    }
    return out;
}

static size_t identifier_length(const char *text)
{
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    return *text >= '0' && *text <= '9' ? 0 : len;
}

static void remember(struct line_reader *r, const char *name, const struct text *value)
{
    const uint32_t *index = name_table_get(&r->seen.names, name);
    const struct binding binding = {
        .name = name, .value = value->bytes, .len = value->len, .place = {.source = r->source, .line = r->line}};
    if (index == NULL)
        environment_add(r->arena, &r->seen, binding);
    else
        r->seen.items[*index] = binding;
}

static void read_line(struct line_reader *r, const char *line, size_t len)
{
    line = blank_strip(line, len, &len);
    const char *equals = len == 0 || *line == '#' ? NULL : memchr(line, '=', len);
    if (equals == NULL)
        return;
    size_t skipped = starts_with(line, len, "export ") ? strlen("export ") : 0;
    size_t name_len;
    const char *name = blank_strip(line + skipped, (size_t)(equals - line) - skipped, &name_len);
    size_t value_len = len - (size_t)(equals - line) - 1;
    const char *raw = blank_strip(equals + 1, value_len, &value_len);
    struct text value = unquoted(r->arena, raw, value_len);
    remember(r, arena_strndup(r->arena, name, name_len), &value);
}

static void read_lines(struct line_reader *r, const struct text *text)
{
    size_t at = text->len >= 3 && memcmp(text->bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    while (at < text->len) {
        const char *newline = memchr(text->bytes + at, '\n', text->len - at);
        size_t end = newline == NULL ? text->len : (size_t)(newline - text->bytes);
        read_line(r, text->bytes + at, end - at);
        at = end + 1;
        r->line++;
    }
}

/* What the two readers could disagree about needs one of these. */
static bool could_differ(const struct text *text)
{
    return text->len > 0 && (strpbrk(text->bytes, "\"'$#\xEF") != NULL || strstr(text->bytes, "export") != NULL);
}

static bool same(const struct binding *a, const struct binding *b)
{
    return a->len == b->len && memcmp(a->value, b->value, a->len) == 0;
}

static bool identifier(const char *name)
{
    return *name != '\0' && identifier_length(name) == strlen(name);
}

/* What only the second reader binds: a line that the start drops, or one inside a quoted value. */
static void report_unseen(const struct line_reader *r, const struct env_line *lines, struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < r->seen.count; i++) {
        const struct binding *binding = &r->seen.items[i];
        const struct binding *bound = environment_get(r->environment, binding->name);
        if (!identifier(binding->name) || (bound != NULL && bound->place.source == r->source))
            continue;
        struct place place = {r->source, lines[binding->place.line].line, lines[binding->place.line].column, 0};
        struct diagnostic *d = diagnostic_add(diagnostics, CODE_ENV_PARSERS_DIFFER, place,
                                              "only Hermes's second env reader reads this as a variable");
        diagnostic_note(diagnostics, d, "when Hermes starts: not set; after /reload: %s",
                        shown_secret(diagnostics->arena, binding->value, binding->len));
        diagnostic_help(diagnostics, d, "write NAME=value, or NAME=\"value\" with both quotes on one line");
    }
}

void load_env_compare(const struct env_text *env, struct environment *environment, struct diagnostics *diagnostics)
{
    struct line_reader r = {.arena = diagnostics->arena, .source = env->source, .environment = environment};
    if (!could_differ(&env->text))
        return;
    read_lines(&r, &env->text);
    for (size_t i = 0; i < environment->count; i++) {
        struct binding *binding = &environment->items[i];
        const struct binding *other = environment_get(&r.seen, binding->name);
        if (binding->place.source != env->source || (other != NULL && same(binding, other)))
            continue;
        binding->seeded = other == NULL ? "" : other->value;
        struct diagnostic *d =
            diagnostic_add(diagnostics, CODE_ENV_PARSERS_DIFFER, binding->place,
                           other == NULL ? "Hermes's second env reader does not see this variable"
                                         : "Hermes's second env reader reads a different value here");
        if (other != NULL)
            diagnostic_note(diagnostics, d, "when Hermes starts: %s; after /reload: %s",
                            shown_secret(diagnostics->arena, binding->value, binding->len),
                            shown_secret(diagnostics->arena, other->value, other->len));
        diagnostic_help(diagnostics, d,
                        other != NULL && strstr(other->value, "${") != NULL
                            ? "write the value itself: Hermes replaces references only when it starts"
                            : "quote the value, and put a comment on a line of its own");
    }
    report_unseen(&r, env->lines, diagnostics);
}
