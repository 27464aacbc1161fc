#include "env_text.h"

#include <string.h>

#include "blank.h"
#include "known_variables.h"
#include "source.h"
#include "utf8.h"

struct reader {
    struct arena *arena;
    const struct source *source;
    struct diagnostics *diagnostics;
    bool nuls;
    bool left_alone; /* by Hermes's sanitiser */
    bool rewritten;  /* Hermes's sanitiser changes a line, and so writes the whole file anew before it is read */
};

/* --- places --- */

size_t env_text_characters(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len && text[i] != '\n'; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

static const struct env_line *line_of(const struct env_text *env, size_t at)
{
    size_t low = 0;
    for (size_t high = env->count; high - low > 1;) {
        size_t middle = low + (high - low) / 2;
        if (env->lines[middle].at <= at)
            low = middle;
        else
            high = middle;
    }
    return &env->lines[low];
}

struct place env_text_place(const struct env_text *env, size_t at, size_t characters)
{
    struct place place = {.source = env->source, .line = 1, .column = 1, .length = (uint32_t)characters};
    if (env->count == 0)
        return place;
    const struct env_line *line = line_of(env, at);
    place.line = line->line;
    place.column = line->column + (uint32_t)env_text_characters(env->text.bytes + line->at, at - line->at);
    return place;
}

/* --- decoding --- */

static bool has_bom(const struct source *source)
{
    return source->len >= 3 && memcmp(source->bytes, "\xEF\xBB\xBF", 3) == 0;
}

static bool is_utf8(const struct source *source)
{
    return utf8_valid(source->bytes, source->len) == source->len;
}

/* The byte at AT of a file that is no UTF-8, or the character there; returns how many bytes that took. */
static size_t put_decoded(const struct reader *r, struct text *out, size_t at)
{
    const char *bytes = r->source->bytes + at;
    size_t left = r->source->len - at;
    unsigned char c = (unsigned char)*bytes;
    if (!r->rewritten) {
        text_append(out, (const char[]){(char)(0xC0 | c >> 6), (char)(0x80 | (c & 0x3F))}, 2);
        return 1;
    }
    size_t len = utf8_length(bytes, left);
    text_append(out, len > 0 ? bytes : "\xEF\xBF\xBD", len > 0 ? len : 3);
    return len > 0 ? len : utf8_broken_length(bytes, left);
}

/* Strict UTF-8, else the whole file as Latin-1; CRLF and CR become LF; NULs and a BOM go. A file that the sanitiser has
 * rewritten is UTF-8 in any case, and what was no UTF-8 is U+FFFD. */
static struct text decode(struct reader *r)
{
    const struct source *source = r->source;
    bool utf8 = is_utf8(source);
    size_t start = has_bom(source) ? 3 : 0;
    struct text out = {.arena = r->arena};
    r->nuls = memchr(source->bytes, '\0', source->len) != NULL;
    if (!utf8 && !r->rewritten)
        (void)diagnostic_add(r->diagnostics, CODE_ENV_NOT_UTF_8, (struct place){.source = source},
                             "%s is not UTF-8: Hermes reads all of it as Latin-1", source->label);
    if (utf8 && !r->nuls && memchr(source->bytes, '\r', source->len) == NULL)
        return (struct text){.bytes = (char *)source->bytes + start, .len = source->len - start}; /* as it stands */
    for (size_t i = start; i < source->len; i++) {
        unsigned char c = (unsigned char)source->bytes[i];
        if (c == '\r') {
            text_putc(&out, '\n');
            i += i + 1 < source->len && source->bytes[i + 1] == '\n';
        } else if (c >= 0x80 && !utf8) {
            i += put_decoded(r, &out, i) - 1;
        } else if (c != '\0') {
            text_putc(&out, (char)c);
        }
    }
    return out;
}

/* --- the sanitiser: strips lines --- */

static size_t name_length(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && ((text[n] >= 'A' && text[n] <= 'Z') || (text[n] >= '0' && text[n] <= '9') || text[n] == '_'))
        n++;
    return n;
}

/* VALUE without the `export ` at its end, which belongs to the line that was joined to it. */
static size_t without_export(const char *value, size_t len)
{
    size_t end = len;
    while (end > 0 && (value[end - 1] == ' ' || value[end - 1] == '\t'))
        end--;
    return end < len && end >= 6 && memcmp(value + end - 6, "export", 6) == 0 ? end - 6 : len;
}

static bool may_precede_a_split(const char *value, size_t len)
{
    len = without_export(value, len);
    for (size_t i = 0; i < len; i++)
        if (strchr(" \t?&", value[i]) != NULL || (i + 2 < len && memcmp(value + i, "://", 3) == 0))
            return false;
    return true;
}

/* The start of the longest known `NAME=` that ends before the '=' at EQUALS and begins behind FROM; EQUALS when none
 * does. */
static size_t known_before(const char *text, size_t from, size_t equals)
{
    size_t start = equals;
    while (start > from && equals - start < VARIABLE_LONGEST && name_length(text + start - 1, 1) == 1)
        start--;
    while (start < equals && !known_variables_has(text + start, equals - start))
        start++;
    return start;
}

/* A line of LEN bytes, which stands at PLACE. */
static void keep(struct reader *r, struct env_text *out, struct place place, const char *line, size_t len)
{
    ARENA_GROW(r->arena, out->lines, out->capacity, out->count + 1);
    out->lines[out->count++] = (struct env_line){out->text.len, place.line, place.column};
    text_append(&out->text, line, len);
    text_putc(&out->text, '\n');
}

/* Where the name on LINE begins. */
static size_t behind_export(const char *line, size_t len)
{
    size_t at = len > 6 && memcmp(line, "export", 6) == 0 ? 6 : 0;
    size_t start = at;
    while (at > 0 && start < len && (line[start] == ' ' || line[start] == '\t'))
        start++;
    return start > at ? start : 0;
}

/* Says it where a line has a known `NAME=` in its value, which Hermes up to 0.18 parts there if it knows the line's own
 * name, too. */
static void report_glued(struct reader *r, struct place place, const char *line, size_t len)
{
    size_t start = behind_export(line, len);
    size_t name = start + name_length(line + start, len - start);
    bool assigned = name > start && name < len && line[name] == '=';
    bool known = assigned && known_variables_has(line + start, name - start);
    for (size_t i = name + 1; assigned && i < len; i++) {
        size_t next = line[i] == '=' ? known_before(line, name + 1, i) : i;
        if (next == i)
            continue;
        if (!may_precede_a_split(line + name + 1, next - name - 1) ||
            (!known && !known_variables_secret(line + next, i - next)))
            return;
        place.column += (uint32_t)env_text_characters(line, next);
        place.length = (uint32_t)(i - next);
        struct diagnostic *d = diagnostic_add(
            r->diagnostics, CODE_ENV_GLUED_LINES, place,
            "two lines are joined before %.*s: since Hermes 0.19.1, all of it is the value of the first one",
            (int)(i - next), line + next);
        diagnostic_help(r->diagnostics, d, "put the line break back");
        return;
    }
}

/* TEXT, LENGTH bytes, is the line that starts at PLACE. */
static void sanitise_line(struct reader *r, struct env_text *out, struct place place, const char *text, size_t length)
{
    size_t len;
    const char *line = blank_strip(text, length, &len);
    if (len == 0 || *line == '#' || r->left_alone) {
        keep(r, out, place, text, length);
        return;
    }
    place.column += (uint32_t)env_text_characters(text, (size_t)(line - text));
    report_glued(r, place, line, len);
    keep(r, out, place, line, len);
}

static struct env_text sanitise(struct reader *r, const struct text *in)
{
    struct env_text out = {.source = r->source, .text = {.arena = r->arena}, .rewritten = r->rewritten};
    text_reserve(&out.text, in->len + 1);
    struct place place = {.source = r->source, .line = 1, .column = has_bom(r->source) ? 2 : 1};
    for (size_t from = 0; from < in->len; place.line++, place.column = 1) {
        const char *newline = memchr(in->bytes + from, '\n', in->len - from);
        size_t to = newline == NULL ? in->len : (size_t)(newline - in->bytes);
        sanitise_line(r, &out, place, in->bytes + from, to - from);
        from = to + 1;
    }
    return out;
}

/* A file that starts with what is no UTF-8, or with the sign for it: the sanitiser leaves it alone. */
static bool starts_broken(const struct source *source)
{
    size_t at = has_bom(source) ? 3 : 0;
    return source->len > at && (utf8_length(source->bytes + at, source->len - at) == 0 ||
                                strncmp(source->bytes + at, "\xEF\xBF\xBD", 3) == 0);
}

/* As the sanitiser reads it, which sees no BOM: plain inequality of the text makes it write. */
static bool sanitiser_writes(const struct reader *r, const struct text *decoded, const struct text *clean)
{
    return r->nuls || decoded->len != clean->len ||
           (clean->len > 0 && memcmp(decoded->bytes, clean->bytes, clean->len) != 0);
}

static void put_utf8(struct text *out, uint32_t c)
{
    if (c >= 0x10000)
        text_append(out, (const char[]){(char)(0xF0 | c >> 18), (char)(0x80 | (c >> 12 & 0x3F))}, 2);
    else if (c >= 0x800)
        text_putc(out, (char)(0xE0 | c >> 12));
    if (c >= 0x800)
        text_putc(out, (char)(0x80 | (c >> 6 & 0x3F)));
    else if (c >= 0x80)
        text_putc(out, (char)(0xC0 | c >> 6));
    text_putc(out, (char)(c >= 0x80 ? 0x80 | (c & 0x3F) : c));
}

static bool surrogate(uint32_t unit, uint32_t first)
{
    return (unit & 0xFC00) == first;
}

/* UTF-16 with a BOM, which Hermes turns into UTF-8 on disk. Its places are those of the text. */
static const struct source *from_utf16(struct arena *arena, const struct source *source)
{
    const unsigned char *bytes = (const unsigned char *)source->bytes;
    bool little = source->len >= 2 && bytes[0] == 0xFF && bytes[1] == 0xFE;
    bool big = source->len >= 2 && bytes[0] == 0xFE && bytes[1] == 0xFF;
    if ((!little && !big) || (source->len >= 4 && bytes[2] == 0 && bytes[3] == 0))
        return source;
    struct text out = {.arena = arena};
    struct source *decoded = arena_alloc(arena, sizeof *decoded);
    uint32_t high = 0;
    text_append(&out, "", 0);
    for (size_t i = 2; i < source->len; i += 2) {
        uint32_t unit = i + 1 == source->len ? 0xD800 /* half of one */
                        : little             ? bytes[i] | (uint32_t)bytes[i + 1] << 8
                                             : bytes[i + 1] | (uint32_t)bytes[i] << 8;
        bool pair = high != 0 && surrogate(unit, 0xDC00);
        if (high != 0 && !pair)
            put_utf8(&out, 0xFFFD);
        if (pair)
            put_utf8(&out, 0x10000 + ((high & 0x3FF) << 10) + (unit & 0x3FF));
        else if (!surrogate(unit, 0xD800))
            put_utf8(&out, surrogate(unit, 0xDC00) ? 0xFFFD : unit);
        high = surrogate(unit, 0xD800) ? unit : 0;
    }
    if (high != 0)
        put_utf8(&out, 0xFFFD);
    *decoded = *source;
    decoded->bytes = out.bytes;
    decoded->len = out.len;
    return decoded;
}

static void report_bom(const struct env_text *env, struct diagnostics *diagnostics)
{
    struct diagnostic *d =
        diagnostic_add(diagnostics, CODE_ENV_BOM, (struct place){.source = env->source, .line = 1, .column = 1},
                       "the file starts with a byte order mark: Hermes before 0.20.2 loses its first variable");
    diagnostic_help(diagnostics, d, "save the file as UTF-8 without a byte order mark");
}

struct env_text env_text_of(struct arena *arena, const struct source *source, struct diagnostics *diagnostics)
{
    source = from_utf16(arena, source);
    struct reader r = {.arena = arena, .source = source, .diagnostics = diagnostics};
    r.left_alone = starts_broken(source);
    if (!r.left_alone &&
        (has_bom(source) || !is_utf8(source))) { /* whether it will be rewritten decides how it is read */
        struct diagnostics unsaid = {.arena = arena};
        r.diagnostics = &unsaid;
        r.rewritten = true;
        struct text decoded = decode(&r);
        struct env_text clean = sanitise(&r, &decoded);
        r.rewritten = sanitiser_writes(&r, &decoded, &clean.text);
        r.diagnostics = diagnostics;
    }
    struct text decoded = decode(&r);
    struct env_text env = sanitise(&r, &decoded);
    if (has_bom(source) && !r.rewritten)
        report_bom(&env, diagnostics);
    return env;
}
