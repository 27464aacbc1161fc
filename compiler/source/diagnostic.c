#include "diagnostic.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "masked_line.h"
#include "source.h"
#include "utf8.h"

struct diagnostic_kind {
    enum diagnostic_code code;
    const struct source *source;
    size_t count;
    struct diagnostic *last; /* that was kept */
};

static struct diagnostic_kind *kind_of(struct diagnostics *list, enum diagnostic_code code, const struct source *source)
{
    for (size_t i = list->kind_count; i > 0; i--)
        if (list->kinds[i - 1].source == source && list->kinds[i - 1].code == code)
            return &list->kinds[i - 1];
    ARENA_GROW(list->arena, list->kinds, list->kind_capacity, list->kind_count + 1);
    list->kinds[list->kind_count] = (struct diagnostic_kind){.code = code, .source = source};
    return &list->kinds[list->kind_count++];
}

static size_t most_of(const struct diagnostics *list)
{
    return list->most > 0 ? list->most : DIAGNOSTICS_OF_A_KIND;
}

void diagnostics_keep(struct diagnostics *list, struct diagnostic *diagnostic)
{
    ARENA_GROW(list->arena, list->items, list->capacity, list->count + 1);
    list->items[list->count++] = diagnostic;
}

void diagnostics_append(struct diagnostics *list, const struct diagnostics *from)
{
    for (size_t i = 0; i < from->count; i++)
        diagnostics_keep(list, from->items[i]);
    for (size_t i = 0; i < from->kind_count; i++) {
        struct diagnostic_kind *kind = kind_of(list, from->kinds[i].code, from->kinds[i].source);
        kind->count += from->kinds[i].count;
        kind->last = from->kinds[i].last;
    }
    list->errors += from->errors;
    list->warnings += from->warnings;
}

const char *diagnostic_plain_text(char *text)
{
    const char *end = text + strlen(text);
    for (char *at = text; at < end;) {
        size_t steers = utf8_steers(at, (size_t)(end - at));
        memset(at, '?', steers);
        at += steers > 0 ? steers : 1;
    }
    return text;
}

static __attribute__((format(printf, 5, 0))) struct diagnostic *add(struct diagnostics *list, enum severity severity,
                                                                    enum diagnostic_code code, struct place place,
                                                                    const char *format, va_list args)
{
    struct diagnostic_kind *kind = kind_of(list, code, place.source);
    list->errors += severity == SEVERITY_ERROR;
    list->warnings += severity == SEVERITY_WARNING;
    if (kind->count++ >= most_of(list))
        return NULL;
    struct diagnostic *diagnostic = arena_alloc(list->arena, sizeof *diagnostic);
    *diagnostic = (struct diagnostic){
        .severity = severity,
        .code = code,
        .place = place,
        .message = diagnostic_plain_text(arena_vprintf(list->arena, format, args)),
    };
    diagnostics_keep(list, diagnostic);
    kind->last = diagnostic;
    return diagnostic;
}

struct diagnostic *diagnostic_add(struct diagnostics *list, enum diagnostic_code code, struct place place,
                                  const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct diagnostic *diagnostic = add(list, diagnostic_code_pages[code].severity, code, place, format, args);
    va_end(args);
    return diagnostic;
}

struct diagnostic *diagnostic_add_as(struct diagnostics *list, enum severity severity, enum diagnostic_code code,
                                     struct place place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct diagnostic *diagnostic = add(list, severity, code, place, format, args);
    va_end(args);
    return diagnostic;
}

void diagnostic_note(struct diagnostics *list, struct diagnostic *diagnostic, const char *format, ...)
{
    if (diagnostic == NULL)
        return;
    va_list args;
    va_start(args, format);
    diagnostic->note = diagnostic_plain_text(arena_vprintf(list->arena, format, args));
    va_end(args);
}

void diagnostic_help(struct diagnostics *list, struct diagnostic *diagnostic, const char *format, ...)
{
    if (diagnostic == NULL)
        return;
    va_list args;
    va_start(args, format);
    diagnostic->help = diagnostic_plain_text(arena_vprintf(list->arena, format, args));
    va_end(args);
}

void diagnostic_also(struct diagnostic *diagnostic, struct place place, const char *note)
{
    if (diagnostic == NULL)
        return;
    diagnostic->also = place;
    diagnostic->note = note;
}

static int compare_numbers(size_t a, size_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_diagnostics(const void *a, const void *b)
{
    const struct diagnostic *left = *(struct diagnostic *const *)a;
    const struct diagnostic *right = *(struct diagnostic *const *)b;
    size_t left_order = left->place.source == NULL ? 0 : left->place.source->order + 1;
    size_t right_order = right->place.source == NULL ? 0 : right->place.source->order + 1;
    int order = compare_numbers(left_order, right_order);
    if (order == 0)
        order = compare_numbers(left->place.line, right->place.line);
    if (order == 0)
        order = compare_numbers(left->place.column, right->place.column);
    if (order == 0)
        order = (int)right->severity - (int)left->severity;
    return order != 0 ? order : strcmp(left->message, right->message);
}

/* What is said of a line where the other is said, too, follows from it. */
static bool code_follows(enum diagnostic_code code, enum diagnostic_code cause)
{
    static const enum diagnostic_code follows[][2] = {
        {CODE_ENV_PARSERS_DIFFER, CODE_ENV_LINE_IGNORED},    {CODE_ENV_PARSERS_DIFFER, CODE_ENV_BOM},
        {CODE_ENV_PARSERS_DIFFER, CODE_ENV_UNSET_REFERENCE}, {CODE_SUSPICIOUS_KEY, CODE_ENV_HASH_VALUE},
        {CODE_SUSPICIOUS_KEY, CODE_ENV_GLUED_LINES},         {CODE_ENV_PARSERS_DIFFER, CODE_ENV_GLUED_LINES}};
    for (size_t i = 0; i < sizeof follows / sizeof *follows; i++)
        if (follows[i][0] == code && follows[i][1] == cause)
            return true;
    return false;
}

static bool same_line(const struct diagnostic *a, const struct diagnostic *b)
{
    return a->place.source != NULL && a->place.source == b->place.source && a->place.line == b->place.line;
}

/* LIST is sorted: what is said of one line stands together. A configuration may be one long line, and has no such
 * followers. */
static bool follows_in_its_line(const struct diagnostics *list, size_t at)
{
    const struct diagnostic *d = list->items[at];
    if (d->place.source == NULL || source_is_yaml(d->place.source))
        return false;
    for (size_t i = at; i > 0 && same_line(list->items[i - 1], d); i--)
        if (code_follows(d->code, list->items[i - 1]->code))
            return true;
    for (size_t i = at + 1; i < list->count && same_line(list->items[i], d); i++)
        if (d->code != list->items[i]->code && code_follows(d->code, list->items[i]->code))
            return true;
    return false;
}

/* Whether another one says why the variable has no value that D misses. */
static bool told_by_its_cause(struct diagnostics *list, const struct diagnostic *d)
{
    for (size_t i = 0; d->code == CODE_NO_KEY && d->variable != NULL && i < list->count; i++) {
        struct diagnostic *cause = list->items[i];
        if (cause == d || cause->variable == NULL || strcmp(cause->variable, d->variable) != 0 ||
            cause->severity < d->severity)
            continue;
        const char *note = cause->note;
        diagnostic_note(list, cause, "%s%s%s", note == NULL ? "" : note, note == NULL ? "" : "; ", d->message);
        return true;
    }
    return false;
}

bool diagnostic_same_place(const struct place *a, const struct place *b)
{
    return a->source == b->source && a->line == b->line && a->column == b->column;
}

/* Whether an error stands inside the text that item AT of the sorted LIST is about. */
static bool holds_an_error(const struct diagnostics *list, size_t at)
{
    const struct place *about = &list->items[at]->place;
    for (size_t i = at + 1; about->line > 0 && i < list->count; i++) {
        const struct place *place = &list->items[i]->place;
        if (place->source != about->source || place->line != about->line ||
            place->column >= about->column + about->length)
            return false;
        if (list->items[i]->severity == SEVERITY_ERROR)
            return true;
    }
    return false;
}

/* What has to be rewritten anyway needs no further advice. */
static void drop_follow_ons(struct diagnostics *list)
{
    const struct diagnostic *graver = NULL; /* the last that is no hint; at its place the gravest comes first */
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct diagnostic *d = list->items[i];
        bool same = graver != NULL && d->place.line > 0 && diagnostic_same_place(&graver->place, &d->place) &&
                    d->severity < graver->severity;
        bool follows = d->severity != SEVERITY_ERROR && (same || holds_an_error(list, i));
        if (!same && d->severity != SEVERITY_HINT)
            graver = d;
        list->warnings -= follows && d->severity == SEVERITY_WARNING;
        if (!follows)
            list->items[kept++] = d;
    }
    list->count = kept;
}

static void drop_consequences(struct diagnostics *list)
{
    struct diagnostic **kept = arena_alloc(list->arena, list->count * sizeof *kept);
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct diagnostic *d = list->items[i];
        bool follows = d->severity != SEVERITY_ERROR && (follows_in_its_line(list, i) || told_by_its_cause(list, d));
        list->warnings -= follows && d->severity == SEVERITY_WARNING;
        if (!follows)
            kept[count++] = d;
    }
    memcpy(list->items, kept, count * sizeof *kept);
    list->count = count;
}

/* What was counted and not kept is of its code's own severity. */
static void recount(struct diagnostics *list, struct diagnostic_kind *kind)
{
    size_t more = kind->count > most_of(list) ? kind->count - most_of(list) : 0;
    if (diagnostic_code_pages[kind->code].severity == SEVERITY_WARNING)
        list->warnings -= more < list->warnings ? more : list->warnings;
    if (list->rules[kind->code] == RULE_DENY && diagnostic_code_pages[kind->code].severity != SEVERITY_ERROR)
        list->errors += more;
    kind->count -= more;
}

static void obey_rules(struct diagnostics *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->kind_count; i++)
        if (list->rules[list->kinds[i].code] != RULE_USUAL)
            recount(list, &list->kinds[i]);
    for (size_t i = 0; i < list->count; i++) {
        struct diagnostic *d = list->items[i];
        enum diagnostic_rule rule = d->severity == SEVERITY_ERROR ? RULE_USUAL : list->rules[d->code];
        list->warnings -= rule != RULE_USUAL && d->severity == SEVERITY_WARNING;
        list->errors += rule == RULE_DENY;
        d->severity = rule == RULE_DENY ? SEVERITY_ERROR : d->severity;
        if (rule != RULE_ALLOW)
            list->items[kept++] = d;
    }
    list->count = kept;
}

void diagnostics_sort(struct diagnostics *list)
{
    for (size_t i = 0; i < list->kind_count; i++)
        if (list->kinds[i].count > most_of(list))
            diagnostic_note(list, list->kinds[i].last, "there are %zu more of this kind",
                            list->kinds[i].count - most_of(list));
    obey_rules(list);
    if (list->count > 1)
        qsort(list->items, list->count, sizeof(struct diagnostic *), compare_diagnostics);
    drop_follow_ons(list);
    if (list->count > 1)
        drop_consequences(list);
}

void diagnostics_cut(struct diagnostics *list, size_t most)
{
    size_t errors = 0;
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        errors += list->items[i]->severity == SEVERITY_ERROR;
    for (size_t i = 0; i < list->count; i++) { /* errors are not crowded out by what comes before them */
        bool error = list->items[i]->severity == SEVERITY_ERROR;
        bool fits = error ? kept < most : kept + errors < most;
        errors -= error;
        list->hidden += !fits;
        list->hidden_errors += error && !fits;
        if (fits)
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

const char *diagnostic_severity_name(enum severity severity)
{
    static const char *const names[] = {"hint", "warning", "error"};
    return names[severity];
}

const char *diagnostic_place_text(struct arena *arena, struct place place)
{
    if (place.source == NULL)
        return "";
    if (place.line == 0)
        return place.source->label;
    return arena_printf(arena, "%s:%u:%u", place.source->label, place.line, place.column);
}

static void print_place(struct place place, FILE *stream)
{
    if (place.source == NULL)
        return;
    (void)fputs(place.source->label, stream);
    if (place.line > 0)
        (void)fprintf(stream, ":%u:%u", place.line, place.column);
    (void)fputs(": ", stream);
}

/* What these are about is a name, which is shown; everything else that is not known may be a key. */
static bool about_a_name(enum diagnostic_code code)
{
    return code == CODE_UNKNOWN_KEY || code == CODE_DEPRECATED_KEY || code == CODE_DUPLICATE_KEY ||
           code == CODE_UNKNOWN_PROVIDER;
}

static void print_line(enum diagnostic_code code, struct place place, const char *marker, const char *reset,
                       FILE *stream)
{
    struct masked_line line;
    if (place.source == NULL || place.line == 0 || !masked_line_make(place, about_a_name(code), &line))
        return;
    (void)fprintf(stream, "%5u | %s\n", place.line, line.text);
    (void)fprintf(stream, "      | %*s%s", (int)line.caret, "", marker);
    for (size_t i = 0; i < line.width; i++)
        (void)fputc(i == 0 ? '^' : '~', stream);
    (void)fprintf(stream, "%s\n", reset);
}

void diagnostic_print(const struct diagnostic *diagnostic, bool colour, FILE *stream)
{
    static const char *const colours[] = {"\033[1;36m", "\033[1;35m", "\033[1;31m"};
    const char *start = colour ? colours[diagnostic->severity] : "";
    const char *bold = colour ? "\033[1m" : "";
    const char *reset = colour ? "\033[0m" : "";
    (void)fputs(bold, stream);
    print_place(diagnostic->place, stream);
    (void)fprintf(stream, "%s%s[%s]:%s %s%s%s\n", start, diagnostic_severity_name(diagnostic->severity),
                  diagnostic_code_pages[diagnostic->code].name, reset, bold, diagnostic->message, reset);
    print_line(diagnostic->code, diagnostic->place, start, reset, stream);
    if (diagnostic->note != NULL)
        (void)fprintf(stream, "  note: %s\n", diagnostic->note);
    print_line(diagnostic->code, diagnostic->also, start, reset, stream);
    if (diagnostic->help != NULL)
        (void)fprintf(stream, "  help: %s\n", diagnostic->help);
}
