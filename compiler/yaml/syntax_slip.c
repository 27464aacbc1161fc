#include "syntax_slip.h"

#include <string.h>

#include "arena.h"
#include "plain_name.h"
#include "source.h"
#include "source_line.h"
#include "utf8.h"

enum { LINES_ABOVE = 50, LONGEST_NAME = 48 };

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

struct line {
    const char *text; /* NULL: there is none */
    size_t len;
    size_t indent; /* bytes before the first that is no blank; len: nothing else is there */
    unsigned number;
};

struct finding {
    const struct syntax_error *error;
    struct diagnostics *diagnostics;
    struct line line; /* where libyaml stopped */
    size_t at;        /* in bytes of it */
};

static bool starts(const struct line *line, size_t at, const char *text)
{
    return at <= line->len && line->len - at >= strlen(text) && memcmp(line->text + at, text, strlen(text)) == 0;
}

static char byte_at(const struct line *line, size_t at)
{
    return at < line->len ? line->text[at] : '\0';
}

static bool blank_or_end(const struct line *line, size_t at)
{
    return at >= line->len || line->text[at] == ' ' || line->text[at] == '\t';
}

static size_t skip_blanks(const struct line *line, size_t at)
{
    while (at < line->len && (line->text[at] == ' ' || line->text[at] == '\t'))
        at++;
    return at;
}

static struct line line_at(const struct source *source, unsigned number)
{
    struct line line = {.number = number};
    line.text = number == 0 ? NULL : source_line(source, number, &line.len);
    line.indent = line.text == NULL ? 0 : skip_blanks(&line, 0);
    return line;
}

/* The nearest line above NUMBER that is neither empty nor a comment. */
static struct line content_above(const struct source *source, unsigned number)
{
    unsigned last = number > LINES_ABOVE ? number - LINES_ABOVE : 1;
    while (--number >= last) {
        struct line line = line_at(source, number);
        if (line.indent < line.len && line.text[line.indent] != '#')
            return line;
    }
    return (struct line){0};
}

static size_t byte_of_column(const struct line *line, unsigned column)
{
    size_t at = 0;
    for (unsigned i = 1; i < column && at < line->len; i++) {
        size_t width = utf8_length(line->text + at, line->len - at);
        at += width == 0 ? 1 : width;
    }
    return at;
}

static struct place place_in(const struct finding *f, const struct line *line, size_t at, size_t len)
{
    struct place place = {f->error->at.source, line->number, 1, (unsigned)len};
    for (size_t i = 0; i < at && i < line->len; place.column++) {
        size_t width = utf8_length(line->text + i, line->len - i);
        i += width == 0 ? 1 : width;
    }
    return place;
}

/* HELP may hold a %s for NAME. */
static bool say(const struct finding *f, struct place place, const char *message, const char *help)
{
    struct diagnostic *d = diagnostic_add(f->diagnostics, CODE_YAML_SYNTAX, place, "%s", message);
    diagnostic_help(f->diagnostics, d, "%s", help);
    return true;
}

/* --- a line that lost its colon --- */

/* The name that LINE starts with, behind the dashes of a list. */
static size_t name_start(const struct line *line)
{
    size_t at = line->indent;
    while (byte_at(line, at) == '-' && byte_at(line, at + 1) == ' ')
        at = skip_blanks(line, at + 1);
    return at;
}

static size_t name_length(const struct line *line, size_t at)
{
    size_t len = 0;
    while (at + len < line->len && strchr(LETTERS "-.", line->text[at + len]) != NULL)
        len++;
    return len;
}

/* How to write what starts with the name at AT. */
static const char *example(const struct finding *f, const struct line *line, size_t at, size_t len, bool value)
{
    const char *name = line->text + at;
    bool shown = len > 0 && len <= LONGEST_NAME && plain_name(name, len);
    return arena_printf(f->diagnostics->arena, "write `%.*s:%s`", shown ? (int)len : 4, shown ? name : "name",
                        value ? " value" : "");
}

static bool explain_line(const struct finding *f, const struct line *line)
{
    if (line->text == NULL)
        return false;
    size_t at = name_start(line);
    size_t len = name_length(line, at);
    if (byte_at(line, at) == '-' && len > 1 && byte_at(line, at + len) == ':' && blank_or_end(line, at + len + 1))
        return say(f, place_in(f, line, at, 1), "there is no space after this dash", "write `- ` before a list item");
    size_t after = skip_blanks(line, at + len);
    if (len == 0 || starts(line, after, "://") || (byte_at(line, after) == ':' && blank_or_end(line, after + 1)))
        return false;
    if (byte_at(line, after) == ':' && after == at + len)
        return say(f, place_in(f, line, after, 1), "there is no space after this colon",
                   example(f, line, at, len, true));
    if (byte_at(line, after) == '=')
        return say(f, place_in(f, line, after, 1), "YAML has a colon where this `=` is",
                   example(f, line, at, len, true));
    if (after > at + len || after == line->len)
        return say(f, place_in(f, line, at, len), "there is no colon after this name",
                   example(f, line, at, len, after < line->len));
    return false;
}

/* --- characters that look like others --- */

static bool look_alike(const struct finding *f, const struct line *line)
{
    static const struct {
        const char *bytes;
        const char *message;
        const char *help;
    } known[] = {
        {"\xC2\xA0", "a non-breaking space (U+00A0), which YAML does not take for a space", "replace it with a space"},
        {"\xE3\x80\x80", "a full-width space (U+3000), which YAML does not take for a space",
         "replace it with a space"},
        {"\xEF\xBC\x9A", "a full-width colon (U+FF1A), which YAML does not take for a colon", "replace it with `: `"},
    };
    for (size_t at = 0; line->text != NULL && at < line->len; at++)
        for (size_t i = 0; (unsigned char)line->text[at] >= 0x80 && i < sizeof known / sizeof *known; i++) {
            bool colon = i == 2 && at > line->indent;
            bool space = i < 2 && (at == line->indent || (at > 0 && line->text[at - 1] == ':'));
            if ((colon || space) && starts(line, at, known[i].bytes))
                return say(f, place_in(f, line, at, 1), known[i].message, known[i].help);
        }
    return false;
}

/* --- the whole file --- */

/* A line of a conflict that Git left: `<<<<<<<`, `|||||||`, `=======`, `>>>>>>>`. */
static bool conflict(const struct finding *f)
{
    const struct source *source = f->error->at.source;
    const char *end = source->bytes + source->len;
    struct line line = {.number = 1};
    for (line.text = source->bytes; line.text < end; line.number++) {
        size_t length;
        const char *stop = source_line_stop(source, line.text, &length);
        line.len = (size_t)(stop - line.text);
        if (starts(&line, 0, "<<<<<<<") && blank_or_end(&line, 7))
            return say(f, place_in(f, &line, 0, 7), "a merge conflict that is not resolved",
                       "keep one of the two sides, and delete the lines <<<<<<<, ======= and >>>>>>>");
        line.text = stop + length;
    }
    return false;
}

const char *syntax_slip_encoding(const char *bytes, size_t len)
{
    size_t zeros = 0;
    for (size_t i = 0; i < len && i < 64; i++)
        zeros += bytes[i] == '\0';
    if (len >= 2 && (memcmp(bytes, "\xFF\xFE", 2) == 0 || memcmp(bytes, "\xFE\xFF", 2) == 0))
        return "this file is UTF-16, not UTF-8";
    return zeros * 3 > (len < 64 ? len : 64) ? "this file looks like UTF-16, not UTF-8" : NULL;
}

/* --- quotes --- */

static bool unclosed_quote(const struct finding *f)
{
    const struct syntax_error *e = f->error;
    bool ends = strstr(e->problem, "end of stream") != NULL || strstr(e->problem, "document indicator") != NULL;
    if (e->context != NULL && strstr(e->context, "quoted scalar") != NULL && ends)
        return say(f, e->began, "this quote is never closed", "close it, or remove it");
    return false;
}

static bool backslash(const struct finding *f)
{
    const char *problem = f->error->problem;
    if (strstr(problem, "escape character") == NULL && strstr(problem, "hexdecimal") == NULL)
        return false;
    size_t at = f->at;
    while (at > 0 && byte_at(&f->line, at) != '\\')
        at--;
    return say(f, place_in(f, &f->line, at, 2), "in double quotes a backslash starts an escape, and this is not one",
               "use single quotes, or write \\\\ for a backslash");
}

/* Something stands behind a value that has ended. */
static bool behind_a_value(const struct finding *f)
{
    size_t before = f->at;
    while (before > 0 && (f->line.text[before - 1] == ' ' || f->line.text[before - 1] == '\t'))
        before--;
    char last = before > 0 ? f->line.text[before - 1] : '\0';
    char here = byte_at(&f->line, f->at);
    if (last == '\0' || strchr("\"']}", last) == NULL)
        return false;
    if (f->error->long_quote.line > 0 && f->error->long_quote_end == f->line.number && (last == '"' || last == '\''))
        return say(f, f->error->long_quote, "this quote is not closed in its line, but by the next quote in the file",
                   "close it where the string ends");
    if (here == ',')
        return say(f, f->error->at, "a comma after the value", "remove it: settings stand in lines of their own");
    if (last == '\'' || last == '"')
        return say(f, f->error->at, "text after the closing quote",
                   last == '"' ? "put all of the value between the quotes; a quote in it is written \\\""
                               : "put all of the value between the quotes; a quote in it is written ''");
    return say(f, f->error->at, "text after the closing bracket", "remove it, or put the whole value in quotes");
}

/* --- brackets --- */

/* Whether the bracket that BEGAN opens is closed somewhere. Quotes count only where a value may start. */
static bool closed_somewhere(const struct finding *f)
{
    const struct source *source = f->error->at.source;
    struct line first = line_at(source, f->error->began.line);
    const char *end = source->bytes + source->len;
    char quote = '\0';
    size_t depth = 0;
    for (const char *at = first.text + byte_of_column(&first, f->error->began.column); at < end; at++) {
        if (quote != '\0')
            quote = *at == quote ? '\0' : quote;
        else if ((*at == '"' || *at == '\'') && strchr(" [{,:", at[-1]) != NULL)
            quote = *at;
        else if (*at == '[' || *at == '{')
            depth++;
        else if ((*at == ']' || *at == '}') && --depth == 0)
            return true;
    }
    return false;
}

static bool in_brackets(const struct finding *f)
{
    const struct syntax_error *e = f->error;
    struct line opening = line_at(e->at.source, e->began.line);
    size_t bracket = byte_of_column(&opening, e->began.column);
    char open = byte_at(&opening, bracket);
    char here = byte_at(&f->line, f->at);
    if (e->context == NULL || strstr(e->context, "while parsing a flow") == NULL || (open != '[' && open != '{'))
        return false;
    struct place opened = place_in(f, &opening, bracket, 1);
    if ((open == '[' && here == '}') || (open == '{' && here == ']')) {
        struct diagnostic *d = diagnostic_add(f->diagnostics, CODE_YAML_SYNTAX, e->at,
                                              "expected %c, which closes the %c at %u:%u, and found %c",
                                              open == '[' ? ']' : '}', open, opened.line, opened.column, here);
        diagnostic_help(f->diagnostics, d, "close brackets in the order in which they were opened");
        return true;
    }
    if (closed_somewhere(f))
        return say(f, e->at, "expected a comma here, between two items in brackets",
                   "put a comma between the items, or quotes around an item that has spaces or brackets in it");
    return say(f, opened, "this bracket is never closed",
               open == '[' ? "close it with ], or quote a string that begins with ["
                           : "close it with }, or quote a string that begins with {");
}

static bool stray_bracket(const struct finding *f)
{
    char here = byte_at(&f->line, f->at);
    if (here != ']' && here != '}')
        return false;
    return say(f, f->error->at, "this bracket closes nothing", "remove it, or quote the string that it belongs to");
}

/* --- indentation --- */

static bool tab(const struct finding *f)
{
    size_t at = f->at;
    if (byte_at(&f->line, at) != '\t' || strchr(" \t", byte_at(&f->line, at > 0 ? at - 1 : 0)) == NULL)
        return false;
    return say(f, place_in(f, &f->line, at, 1), "a tab in the indentation", "indent with spaces");
}

static bool odd_indentation(const struct finding *f)
{
    if (f->at != f->line.indent)
        return false;
    if (byte_at(&f->line, f->at) == '-' && blank_or_end(&f->line, f->at + 1))
        return say(f, f->error->at, "a list item among the settings of a mapping",
                   "remove the dash, or indent the item below the setting that it belongs to");
    struct place name = place_in(f, &f->line, f->at, name_length(&f->line, f->at));
    if (strstr(f->error->problem, "'-' indicator") != NULL)
        return say(f, name, "this line stands among list items and has no dash",
                   "indent it below the item that it belongs to, or start it with `- `");
    struct diagnostic *d =
        diagnostic_add(f->diagnostics, CODE_YAML_SYNTAX, name,
                       "this line is indented by %zu, which fits no setting above it", f->line.indent);
    diagnostic_help(f->diagnostics, d, "settings of one mapping start in one column");
    return true;
}

/* A colon that makes a name of what stands before it, where a value is complete already. */
static bool colon_too_many(const struct finding *f)
{
    for (size_t i = 0; i + 1 < f->at; i++)
        if (f->line.text[i] == ':' && blank_or_end(&f->line, i + 1))
            return say(f, place_in(f, &f->line, f->at, 1), "a second `: ` in this line",
                       "put the value in quotes if the colon belongs to it; else each setting has a line of its own");
    struct line above = content_above(f->error->at.source, f->line.number);
    if (explain_line(f, &above))
        return true;
    if (above.text == NULL || f->line.indent <= above.indent)
        return false;
    size_t name = name_start(&f->line);
    return say(f, place_in(f, &f->line, name, name_length(&f->line, name)),
               "this line is indented below a setting that has a value already",
               "settings of one mapping start in one column");
}

/* --- values that start with a sign --- */

static bool sign(const struct finding *f)
{
    const char *problem = f->error->problem;
    char here = byte_at(&f->line, f->at);
    if (f->error->context != NULL && strstr(f->error->context, "scanning an alias") != NULL)
        return say(f, f->error->began, "a value that starts with * is an alias in YAML, and this is not one",
                   "quote it if a string is intended");
    if (f->error->context != NULL && strstr(f->error->context, "scanning an anchor") != NULL)
        return say(f, f->error->began, "a value that starts with & is an anchor in YAML, and this is not one",
                   "quote it if a string is intended");
    if (strstr(problem, "undefined alias") != NULL)
        return say(f, f->error->at, "a value that starts with * is an alias in YAML, and no anchor has its name",
                   "quote it if a string is intended");
    if (strstr(problem, "cannot start any token") == NULL)
        return false;
    if (here == '%')
        return say(f, f->error->at, "a value cannot start with %",
                   "write ${NAME} for a variable, or put the value in quotes");
    struct diagnostic *d = here > ' ' && here < 0x7F ? diagnostic_add(f->diagnostics, CODE_YAML_SYNTAX, f->error->at,
                                                                      "a value cannot start with %c", here)
                                                     : diagnostic_add(f->diagnostics, CODE_YAML_SYNTAX, f->error->at,
                                                                      "a value cannot start with this character");
    diagnostic_help(f->diagnostics, d, "put it in quotes");
    return true;
}

/* --- what libyaml says plainly enough, in the words of this program --- */

static bool plain_problem(const struct finding *f)
{
    static const struct {
        const char *problem;
        const char *message;
        const char *help;
    } known[] = {
        {"block sequence entries are not allowed", "a list cannot start here",
         "start it in a line of its own, or write it in brackets: [a, b]"},
        {"did not find expected comment or line break", "text in the line of the | or > that starts a long string",
         "start the text in the next line, indented, or put the value in quotes"},
        {"but found another document", "a second document starts here", "Hermes reads one: remove the line ---"},
        {"did not find expected <document start>", "text after the end of the configuration",
         "begin top-level settings in column 1, and close every bracket and quote above"},
        {"second anchor", "a second anchor of the same name", "give it another name: PyYAML refuses the file"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strstr(f->error->problem, known[i].problem) != NULL)
            return say(f, f->error->at, known[i].message, known[i].help);
    return false;
}

static bool says(const struct finding *f, const char *problem)
{
    return strstr(f->error->problem, problem) != NULL;
}

static bool explained(const struct finding *f)
{
    const struct source *source = f->error->at.source;
    struct line began = line_at(source, f->error->began.line);
    struct line above = content_above(source, f->line.number);
    if (conflict(f) || unclosed_quote(f) || backslash(f) || tab(f) || sign(f) || plain_problem(f))
        return true;
    if (look_alike(f, &f->line) || look_alike(f, &above) || look_alike(f, &began))
        return true;
    if (says(f, "could not find expected ':'") && explain_line(f, &began))
        return true;
    if (says(f, "mapping values are not allowed"))
        return colon_too_many(f);
    if (in_brackets(f) || stray_bracket(f))
        return true;
    if (says(f, "did not find expected key") || says(f, "'-' indicator"))
        return behind_a_value(f) || odd_indentation(f);
    return false;
}

void syntax_slip_report(const struct syntax_error *error, struct diagnostics *diagnostics)
{
    struct finding f = {error, diagnostics, line_at(error->at.source, error->at.line), 0};
    if (f.line.text == NULL) /* behind the last line break */
        f.line = (struct line){.text = "", .number = error->at.line};
    f.at = byte_of_column(&f.line, error->at.column);
    if (explained(&f))
        return;
    struct diagnostic *d = diagnostic_add(diagnostics, CODE_YAML_SYNTAX, error->at, "%s", error->problem);
    if (error->context != NULL)
        diagnostic_note(diagnostics, d, "%s that starts in line %u", error->context, error->began.line);
    diagnostic_help(diagnostics, d, "put strings with special characters in quotes");
}
