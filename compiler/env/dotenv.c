#include "dotenv.h"

#include <string.h>

#include "blank.h"
#include "env_slip.h"
#include "env_text.h"
#include "load_env.h"
#include "plain_name.h"
#include "shown.h"
#include "source.h"

/* A value that refers to itself over a few lines doubles with each; no variable of a process can be this long. */
enum { LONGEST_VALUE = 4 << 20 };

struct reader {
    struct arena *arena;
    const struct source *source;
    struct environment *environment;
    struct diagnostics *diagnostics;
    struct env_text env;
    struct text text; /* its own */
    size_t at;
    size_t expanded;          /* what references have brought in so far */
    bool too_long;            /* that was said */
    bool conflict;            /* that one was found was said */
    struct diagnostic *unset; /* what was said last of a reference in the value that is read */
};

static struct diagnostic *warn(struct reader *r, size_t at, size_t len, enum diagnostic_code code, const char *message)
{
    return diagnostic_add(r->diagnostics, code, env_text_place(&r->env, at, len), "%s", message);
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
        diagnostic_help(r->diagnostics,
                        diagnostic_add(r->diagnostics, CODE_ENV_NON_ASCII, env_text_place(&r->env, at, 0),
                                       "%s contains characters outside ASCII, which Hermes drops",
                                       shown_name(r->arena, name)),
                        "paste the value again as plain text, without typographic quotes");
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
        (void)diagnostic_add(r->diagnostics, CODE_ENV_TOO_LONG, env_text_place(&r->env, at, 0), "%s", message);
    r->too_long = true;
    return (struct text){.arena = r->arena, .bytes = ""};
}

static void report_unset(struct reader *r, const char *name, size_t len, size_t at)
{
    bool shown = plain_name(name, len) && len <= 64;
    r->unset = diagnostic_add(r->diagnostics, CODE_ENV_UNSET_REFERENCE, env_text_place(&r->env, at, 0),
                              "${%.*s} is not set, so it is empty here", shown ? (int)len : 3, shown ? name : "...");
    diagnostic_help(r->diagnostics, r->unset, "set it in a line above, or write ${NAME:-default}");
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
            report_unset(r, raw + i + 2, name_end - i - 2, at);
        i = close;
        if (bound != NULL)
            r->expanded += bound->len;
        if (out.len > LONGEST_VALUE || r->expanded > ENVIRONMENT_MOST_EXPANDED)
            return too_long(r, at,
                            out.len > LONGEST_VALUE ? "this value is longer than 4 MiB with its references replaced"
                                                    : "the references up to here add more than 16 MiB");
    }
    return out;
}

static void bind(struct reader *r, const char *name, const char *raw, size_t len, size_t at, size_t width)
{
    r->unset = NULL;
    struct text value = interpolate(r, raw, len, at);
    if (r->unset != NULL && value.len == 0)
        r->unset->variable = name;
    if (credential_name(name))
        drop_non_ascii(r, name, &value, at);
    struct binding *bound = environment_get(r->environment, name);
    struct binding now = {
        .name = name, .value = value.bytes, .len = value.len, .place = env_text_place(&r->env, at, width)};
    if (bound == NULL) {
        environment_add(r->arena, r->environment, now);
        return;
    }
    if (bound->place.source == r->source && !bound->bare)
        diagnostic_also(diagnostic_add(r->diagnostics, CODE_ENV_DUPLICATE, now.place,
                                       "%s is set twice: the value here is used", shown_name(r->arena, name)),
                        bound->place, "it is set here first");
    if (bound->value == NULL)
        *bound = now;
    else if (r->source->kind == SOURCE_OP_ENV && bound->place.source->kind == SOURCE_ENV)
        environment_hide(r->arena, r->environment, now);
    else
        environment_cover(r->arena, bound, now);
}

/* The end of the quoted text that starts at FROM, as python-dotenv's pattern finds it: the first QUOTE that no
 * backslash stands before; where there is none, it backtracks to the last one behind a backslash. The quote's index, or
 * text.len. */
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
    bind(r, name, value.bytes, value.len, start, env_text_characters(r->text.bytes + start, end - start));
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
        diagnostic_help(
            r->diagnostics,
            warn(r, start, len, CODE_ENV_HASH_VALUE, "this does not start a comment: Hermes reads it as the value"),
            "write NAME= on its own, and the comment in a line above");
    bind(r, name, value, len, start, env_text_characters(value, len));
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

/* Hermes says nothing of the line at START. */
static struct diagnostic *report_ignored(struct reader *r, size_t start)
{
    const char *line = r->text.bytes + start;
    const struct env_slip slip = env_slip_find(line, line_end(r, start) - start);
    if (slip.conflict && r->conflict)
        return NULL;
    r->conflict = r->conflict || slip.conflict;
    struct diagnostic *d = warn(r, start + slip.at, slip.characters, CODE_ENV_LINE_IGNORED, slip.message);
    const char *name = slip.name == NULL ? "NAME" : arena_strndup(r->arena, slip.name, slip.name_len);
    const char *hole = strstr(slip.help, "%s");
    if (hole != NULL)
        diagnostic_help(r->diagnostics, d, "%.*s%s%s", (int)(hole - slip.help), slip.help, name, hole + 2);
    else
        diagnostic_help(r->diagnostics, d, "%s", slip.help);
    if (d != NULL && slip.name != NULL)
        d->variable = name;
    return d;
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
        const struct binding *bound = environment_get(r->environment, name);
        struct diagnostic *d = report_ignored(r, start);
        if (bound != NULL && bound->value != NULL && bound->place.source == r->source)
            diagnostic_note(r->diagnostics, d, "Hermes also drops the value from line %u", bound->place.line);
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

void dotenv_load(struct arena *arena, const struct source *source, struct environment *environment,
                 struct diagnostics *diagnostics)
{
    struct reader r = {.arena = arena, .environment = environment, .diagnostics = diagnostics};
    r.env = env_text_of(arena, source, diagnostics);
    r.source = r.env.source;
    r.text = r.env.text;
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
        (void)report_ignored(&r, start);
        r.at = line_end(&r, r.at > start ? r.at : start) + 1;
    }
    drop_bare(&r);
    if (source->kind != SOURCE_OP_ENV) /* which the second reader never reads */
        load_env_compare(&r.env, environment, diagnostics);
}
