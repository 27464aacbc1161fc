#include "dotenv.h"

#include <string.h>

#include "text.h"
#include "blank.h"
#include "known_variables.h"
#include "load_env.h"
#include "shown.h"
#include "source.h"
#include "utf8.h"

/* A text that was made from the source's, and where its lines stand there: inside a line characters follow each other
 * as in the source. */
struct clean {
    struct text text;
    struct env_line *lines;
    size_t count;
    size_t capacity;
};

/* A value that refers to itself over a few lines doubles with each; no variable of a process can be this long. */
enum { LONGEST_VALUE = 4 << 20 };

struct reader {
    struct arena *arena;
    const struct source *source;
    struct environment *environment;
    struct diagnostics *diagnostics;
    struct clean clean;
    struct text text; /* clean's */
    size_t at;
    size_t expanded; /* what references have brought in so far */
    bool too_long;   /* that was said */
    bool nuls;
    bool left_alone; /* by Hermes's sanitiser */
    bool rewritten;  /* Hermes's sanitiser changes a line, and so writes the whole file anew before it is read */
};

static size_t characters(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len && text[i] != '\n'; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

static const struct env_line *line_of(const struct clean *clean, size_t at)
{
    size_t low = 0;
    for (size_t high = clean->count; high - low > 1;) {
        size_t middle = low + (high - low) / 2;
        if (clean->lines[middle].at <= at)
            low = middle;
        else
            high = middle;
    }
    return &clean->lines[low];
}

static struct place place_at(const struct reader *r, size_t at, size_t len)
{
    const struct clean *clean = &r->clean;
    struct place place = {.source = r->source, .line = 1, .column = 1, .length = (uint32_t)len};
    if (clean->count == 0)
        return place;
    const struct env_line *line = line_of(clean, at);
    place.line = line->line;
    place.column = line->column + (uint32_t)characters(clean->text.bytes + line->at, at - line->at);
    return place;
}

static void begin_line(struct reader *r, struct clean *clean, uint32_t line, uint32_t column)
{
    void *lines = clean->lines;
    arena_grow(r->arena, &lines, &clean->capacity, clean->count + 1, sizeof *clean->lines);
    clean->lines = lines;
    clean->lines[clean->count++] = (struct env_line){clean->text.len, line, column};
}

static struct diagnostic *warn(struct reader *r, size_t at, size_t len, const char *code, const char *message)
{
    return diagnostic_add(r->diagnostics, SEVERITY_WARNING, code, place_at(r, at, len), "%s", message);
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

/* Strict UTF-8, else the whole file as Latin-1; CRLF and CR become LF; NULs go. A file that the sanitiser has rewritten
 * is UTF-8 in any case: it has lost its BOM, and what was no UTF-8 is U+FFFD. */
static struct text decode(struct reader *r)
{
    const struct source *source = r->source;
    bool utf8 = is_utf8(source);
    size_t start = r->rewritten && has_bom(source) ? 3 : 0;
    struct text out = {.arena = r->arena};
    r->nuls = memchr(source->bytes, '\0', source->len) != NULL;
    if (!utf8 && !r->rewritten)
        (void)diagnostic_add(r->diagnostics, SEVERITY_WARNING, "env-not-utf-8", (struct place){.source = source},
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

/* --- the sanitiser: strips lines, parts glued ones --- */

static size_t name_length(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && ((text[n] >= 'A' && text[n] <= 'Z') || (text[n] >= '0' && text[n] <= '9') || text[n] == '_'))
        n++;
    return n;
}

static bool may_precede_a_split(const char *value, size_t len)
{
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
static void keep(struct reader *r, struct clean *out, struct place place, const char *line, size_t len)
{
    begin_line(r, out, place.line, place.column);
    text_append(&out->text, line, len);
    text_putc(&out->text, '\n');
}

static void report_glued(struct reader *r, struct place place, const char *name, size_t len)
{
    place.length = (uint32_t)len;
    (void)diagnostic_add(r->diagnostics, SEVERITY_WARNING, "env-glued-lines", place,
                         "two lines are glued together here; Hermes parts them before %.*s", (int)len, name);
}

/* TEXT, LENGTH bytes, is the line that starts at PLACE. */
static void sanitise_line(struct reader *r, struct clean *out, struct place place, const char *text, size_t length)
{
    size_t len;
    const char *line = blank_strip(text, length, &len);
    if (len == 0 || *line == '#' || r->left_alone) {
        keep(r, out, place, text, length);
        return;
    }
    size_t piece = 0;
    place.column += (uint32_t)characters(text, (size_t)(line - text));
    size_t name = name_length(line, len);
    bool known = name < len && line[name] == '=' && known_variables_has(line, name);
    for (size_t i = name + 1, value = i; known && i < len; i++) {
        size_t next = line[i] == '=' ? known_before(line, value, i) : i;
        if (next == i)
            continue;
        if (!may_precede_a_split(line + value, next - value))
            break; /* nor before any later name: the value would have the same in it */
        keep(r, out, place, line + piece, next - piece);
        place.column += (uint32_t)characters(line + piece, next - piece);
        report_glued(r, place, line + next, i - next);
        piece = next;
        value = i + 1;
    }
    keep(r, out, place, line + piece, len - piece);
}

static struct clean sanitise(struct reader *r, const struct text *in)
{
    struct clean out = {.text = {.arena = r->arena}};
    text_reserve(&out.text, in->len + 1);
    struct place place = {.source = r->source, .line = 1, .column = r->rewritten && has_bom(r->source) ? 2 : 1};
    for (size_t from = 0; from < in->len; place.line++, place.column = 1) {
        const char *newline = memchr(in->bytes + from, '\n', in->len - from);
        size_t to = newline == NULL ? in->len : (size_t)(newline - in->bytes);
        sanitise_line(r, &out, place, in->bytes + from, to - from);
        from = to + 1;
    }
    return out;
}

/* --- python-dotenv's grammar --- */

static char peek(const struct reader *r, size_t at)
{
    return at < r->text.len ? r->text.bytes[at] : '\0';
}

/* The length of the blank at AT that is no line end; 0 when there is none. */
static size_t blank_in_line(const struct reader *r, size_t at)
{
    return at < r->text.len && r->text.bytes[at] != '\n' ? blank_at(r->text.bytes + at, r->text.len - at) : 0;
}

static void skip_blanks(struct reader *r)
{
    for (size_t blank; (blank = blank_in_line(r, r->at)) > 0;)
        r->at += blank;
}

static size_t line_end(const struct reader *r, size_t at)
{
    const char *newline = at < r->text.len ? memchr(r->text.bytes + at, '\n', r->text.len - at) : NULL;
    return newline == NULL ? r->text.len : (size_t)(newline - r->text.bytes);
}

/* A line with a bare name and no '=': python-dotenv gives it no value, and exports none. */
static void bind_bare(struct reader *r, const char *name)
{
    struct binding *bound = environment_get(r->environment, name);
    if (bound == NULL)
        environment_add(r->arena, r->environment, (struct binding){.name = name, .bare = true});
    else
        bound->bare = true;
}

/* What this file left without a value is not set by it; what an earlier file set stays. */
static void drop_bare(struct reader *r)
{
    struct environment *environment = r->environment;
    size_t kept = 0;
    for (size_t i = 0; i < environment->count; i++) {
        struct binding *binding = &environment->items[i];
        if (binding->bare && (binding->value == NULL || binding->place.source == r->source))
            continue;
        binding->bare = false;
        environment->items[kept++] = *binding;
    }
    if (kept == environment->count)
        return;
    environment->count = kept;
    environment->names = (struct name_table){0};
    for (size_t i = 0; i < kept; i++)
        name_table_put(r->arena, &environment->names, environment->items[i].name, i);
}

static bool credential_name(const char *name)
{
    static const char *const ends[] = {"_API_KEY", "_TOKEN", "_SECRET", "_KEY"};
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (len >= strlen(ends[i]) && strcmp(name + len - strlen(ends[i]), ends[i]) == 0)
            return true;
    return false;
}

static void drop_non_ascii(struct reader *r, const char *name, struct text *value, size_t at)
{
    size_t used = 0;
    for (size_t i = 0; i < value->len; i++)
        if ((unsigned char)value->bytes[i] < 0x80)
            value->bytes[used++] = value->bytes[i];
    if (used < value->len)
        (void)diagnostic_add(r->diagnostics, SEVERITY_WARNING, "env-non-ascii", place_at(r, at, 0),
                             "Hermes drops the characters of %s that are not ASCII", shown_name(r->arena, name));
    value->bytes[used] = '\0';
    value->len = used;
}

/* The first WANTED at or behind FROM; *CACHE remembers it, so that a long text is looked through once. */
static size_t next_of(const char *raw, size_t len, size_t from, char wanted, size_t *cache)
{
    if (*cache < from) {
        const char *found = memchr(raw + from, wanted, len - from);
        *cache = found == NULL ? len : (size_t)(found - raw);
    }
    return *cache;
}

static struct text too_long(struct reader *r, size_t at, const char *message)
{
    if (!r->too_long)
        (void)diagnostic_add(r->diagnostics, SEVERITY_ERROR, "env-too-long", place_at(r, at, 0), "%s", message);
    r->too_long = true;
    return (struct text){.arena = r->arena, .bytes = ""};
}

/* `${name}` and `${name:-default}`; unset without a default is empty. */
static struct text interpolate(struct reader *r, const char *raw, size_t len, size_t at)
{
    struct text out = {.arena = r->arena};
    if (memmem(raw, len, "${", 2) == NULL)
        return (struct text){.bytes = arena_strndup(r->arena, raw, len), .len = len};
    size_t next_close = 0;
    size_t next_colon = 0;
    text_append(&out, "", 0);
    for (size_t i = 0; i < len; i++) {
        bool opens = i + 2 < len && raw[i] == '$' && raw[i + 1] == '{';
        size_t close = opens ? next_of(raw, len, i + 2, '}', &next_close) : len;
        size_t colon = close < len ? next_of(raw, len, i + 2, ':', &next_colon) : len;
        bool has_default = colon < close;
        if (close == len || (has_default && raw[colon + 1] != '-')) {
            text_putc(&out, raw[i]);
            continue;
        }
        size_t name_end = has_default ? colon : close;
        const struct binding *bound =
            environment_get(r->environment, arena_strndup(r->arena, raw + i + 2, name_end - i - 2));
        if (bound != NULL && !bound->bare) /* a bare name is empty, whatever the default is */
            text_append(&out, bound->value, bound->len);
        else if (bound == NULL && has_default)
            text_append(&out, raw + colon + 2, close - colon - 2);
        else if (bound == NULL)
            (void)warn(r, at, 0, "env-unset-reference", "a ${...} in this value is not set, so it is empty");
        i = close;
        if (bound != NULL)
            r->expanded += bound->len;
        if (out.len > LONGEST_VALUE || r->expanded > ENVIRONMENT_MOST_EXPANDED)
            return too_long(r, at,
                            out.len > LONGEST_VALUE ? "this value is longer than 4 MiB with its references replaced"
                                                    : "the references up to here bring in more than 16 MiB");
    }
    return out;
}

static void bind(struct reader *r, const char *name, const char *raw, size_t len, size_t at, size_t width)
{
    struct text value = interpolate(r, raw, len, at);
    if (credential_name(name))
        drop_non_ascii(r, name, &value, at);
    struct binding *bound = environment_get(r->environment, name);
    struct binding now = {.name = name, .value = value.bytes, .len = value.len, .place = place_at(r, at, width)};
    if (bound == NULL) {
        environment_add(r->arena, r->environment, now);
        return;
    }
    if (bound->place.source == r->source && !bound->bare)
        (void)diagnostic_add(r->diagnostics, SEVERITY_WARNING, "env-duplicate", now.place,
                             "%s stands in line %u already; the value here is the one that counts",
                             shown_name(r->arena, name), bound->place.line);
    if (bound->value == NULL)
        *bound = now;
    else
        environment_cover(r->arena, bound, now);
}

/* The end of the quoted text that starts at FROM, as python-dotenv's pattern finds it: the first QUOTE that no backslash
 * stands before; where there is none, it backtracks to the last one behind a backslash. The quote's index, or text.len. */
static size_t closing_quote(const struct reader *r, size_t from, char quote)
{
    size_t last = r->text.len;
    for (size_t i = from; i < r->text.len; i++) {
        if (r->text.bytes[i] != quote)
            continue;
        if (i == from || r->text.bytes[i - 1] != '\\')
            return i;
        last = i;
    }
    return last;
}

static struct text unescape(struct reader *r, const char *raw, size_t len, char quote)
{
    static const char from[] = "abfnrtv";
    static const char to[] = "\a\b\f\n\r\t\v";
    struct text out = {.arena = r->arena};
    text_append(&out, "", 0);
    for (size_t i = 0; i < len; i++) {
        char next = raw[i] == '\\' && i + 1 < len ? raw[i + 1] : '\0';
        const char *letter = next != '\0' ? strchr(from, next) : NULL;
        if (next == '\\' || next == '\'' || (next == '"' && quote == '"')) {
            text_putc(&out, next);
            i++;
        } else if (letter != NULL && quote == '"') {
            text_putc(&out, to[letter - from]);
            i++;
        } else {
            text_putc(&out, raw[i]);
        }
    }
    return out;
}

/* After a value only blanks and a comment may follow on the line. */
static bool finish_line(struct reader *r)
{
    skip_blanks(r);
    if (peek(r, r->at) == '#')
        r->at = line_end(r, r->at);
    if (r->at < r->text.len && peek(r, r->at) != '\n')
        return false;
    r->at++;
    return true;
}

static bool read_quoted(struct reader *r, const char *name, char quote)
{
    size_t start = r->at + 1;
    size_t end = closing_quote(r, start, quote);
    if (end == r->text.len)
        return false;
    struct text value = unescape(r, r->text.bytes + start, end - start, quote);
    r->at = end + 1;
    if (!finish_line(r))
        return false;
    bind(r, name, value.bytes, value.len, start, characters(r->text.bytes + start, end - start));
    return true;
}

static bool read_unquoted(struct reader *r, const char *name)
{
    size_t start = r->at;
    size_t end = line_end(r, start);
    size_t stop = end;
    for (size_t i = start, blank; i < end && stop == end; i += blank > 0 ? blank : 1) {
        blank = blank_in_line(r, i);
        if (blank > 0 && i + blank < end && r->text.bytes[i + blank] == '#')
            stop = i;
    }
    size_t len;
    const char *value = blank_strip(r->text.bytes + start, stop - start, &len);
    start = (size_t)(value - r->text.bytes);
    if (len > 0 && r->text.bytes[start] == '#')
        (void)warn(r, start, len, "env-hash-value", "this is no comment to Hermes but the value");
    bind(r, name, value, len, start, characters(value, len));
    r->at = end + 1;
    return true;
}

static const char *read_name(struct reader *r)
{
    size_t start = r->at;
    if (peek(r, start) == '\'') {
        const char *close = memchr(r->text.bytes + start + 1, '\'', r->text.len - start - 1);
        if (close == NULL || close == r->text.bytes + start + 1)
            return NULL;
        r->at = (size_t)(close - r->text.bytes) + 1;
        return arena_strndup(r->arena, r->text.bytes + start + 1, r->at - start - 2);
    }
    while (r->at < r->text.len && strchr("=#\n", peek(r, r->at)) == NULL && blank_in_line(r, r->at) == 0)
        r->at++;
    return r->at == start ? NULL : arena_strndup(r->arena, r->text.bytes + start, r->at - start);
}

static void skip_export(struct reader *r)
{
    size_t after = r->at + 6;
    if (r->text.len - r->at > 6 && memcmp(r->text.bytes + r->at, "export", 6) == 0 && blank_in_line(r, after) > 0) {
        r->at = after;
        skip_blanks(r);
    }
}

static bool read_binding(struct reader *r)
{
    size_t start = r->at;
    skip_export(r);
    const char *name = read_name(r);
    if (name == NULL)
        return false;
    skip_blanks(r);
    if (peek(r, r->at) != '=') {
        if (!finish_line(r))
            return false;
        diagnostic_help(r->diagnostics,
                        warn(r, start, 0, "env-line-ignored",
                             "there is no '=' here: Hermes sets nothing, and forgets a value that a line above gave"),
                        "write NAME=value");
        bind_bare(r, name);
        return true;
    }
    r->at++;
    skip_blanks(r);
    char first = peek(r, r->at);
    if (first == '\'' || first == '"')
        return read_quoted(r, name, first);
    return read_unquoted(r, name);
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

void dotenv_load(struct arena *arena, const struct source *source, struct environment *environment,
                 struct diagnostics *diagnostics)
{
    source = from_utf16(arena, source);
    struct reader r = {.arena = arena, .source = source, .environment = environment, .diagnostics = diagnostics};
    r.left_alone = starts_broken(source);
    if (!r.left_alone &&
        (has_bom(source) || !is_utf8(source))) { /* whether it will be rewritten decides how it is read */
        struct diagnostics unsaid = {.arena = arena};
        r.diagnostics = &unsaid;
        r.rewritten = true;
        struct text decoded = decode(&r);
        struct clean clean = sanitise(&r, &decoded);
        r.rewritten = sanitiser_writes(&r, &decoded, &clean.text);
        r.diagnostics = diagnostics;
    }
    struct text decoded = decode(&r);
    r.clean = sanitise(&r, &decoded);
    if (has_bom(source) && !r.rewritten)
        (void)warn(&r, 0, 0, "env-bom", "the file starts with a byte order mark: Hermes loses its first variable");
    r.text = r.clean.text;
    while (r.at < r.text.len) {
        size_t blank = blank_at(r.text.bytes + r.at, r.text.len - r.at);
        if (blank > 0) {
            r.at += blank;
            continue;
        }
        if (peek(&r, r.at) == '#') {
            r.at = line_end(&r, r.at) + 1;
            continue;
        }
        size_t start = r.at;
        if (read_binding(&r))
            continue;
        struct diagnostic *d = warn(&r, start, 0, "env-line-ignored", "Hermes drops this line without a word");
        diagnostic_help(r.diagnostics, d, "write NAME=value, or NAME=\"value\" with both quotes");
        r.at = line_end(&r, r.at > start ? r.at : start) + 1;
    }
    drop_bare(&r);
    load_env_compare(r.source, &r.text, r.clean.lines, environment, diagnostics);
}
