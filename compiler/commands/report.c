#include "report.h"

#include <string.h>

#include "diagnostic_code.h"
#include "json_write.h"
#include "source.h"

static void put_diagnostic(struct text *out, const struct diagnostic *d)
{
    json_write_item(out);
    text_putc(out, '{');
    json_write_member(out, "code", diagnostic_code_pages[d->code].name);
    json_write_member(out, "severity", diagnostic_severity_name(d->severity));
    json_write_place(out, d->place, NULL);
    if (d->place.line > 0)
        json_write_number(out, "length", d->place.length > 0 ? d->place.length : 1);
    json_write_member(out, "message", d->message);
    if (d->note != NULL)
        json_write_member(out, "note", d->note);
    if (d->help != NULL)
        json_write_member(out, "help", d->help);
    if (d->also.source != NULL) {
        json_write_name(out, "also");
        text_putc(out, '{');
        json_write_place(out, d->also, NULL);
        text_putc(out, '}');
    }
    text_putc(out, '}');
}

void report_json(struct text *out, const struct diagnostics *diagnostics)
{
    json_write_number(out, "errors", diagnostics->errors);
    json_write_number(out, "warnings", diagnostics->warnings);
    if (diagnostics->hidden > 0)
        json_write_number(out, "hidden", diagnostics->hidden);
    json_write_name(out, "diagnostics");
    text_putc(out, '[');
    for (size_t i = 0; i < diagnostics->count; i++)
        put_diagnostic(out, diagnostics->items[i]);
    text_putc(out, ']');
}

/* --- SARIF --- */

static const char *whole_message(struct text *scratch, const struct diagnostic *d)
{
    *scratch = (struct text){.arena = scratch->arena};
    text_puts(scratch, d->message);
    if (d->note != NULL)
        text_printf(scratch, ". %s", d->note);
    if (d->help != NULL)
        text_printf(scratch, ". Help: %s", d->help);
    return scratch->bytes;
}

static void put_uri(struct text *out, const char *path)
{
    struct text uri = {.arena = out->arena};
    if (*path == '/')
        text_puts(&uri, "file://");
    for (; *path != '\0'; path++) {
        char c = *path;
        bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("/._-~", c) != NULL;
        if (plain)
            text_putc(&uri, c);
        else
            text_printf(&uri, "%%%02X", (unsigned char)c);
    }
    json_write_member(out, "uri", uri.bytes);
}

static void put_text(struct text *out, const char *name, const char *text)
{
    json_write_name(out, name);
    text_putc(out, '{');
    json_write_member(out, "text", text);
    text_putc(out, '}');
}

static void put_location(struct text *out, const char *name, struct place place, const char *message)
{
    json_write_name(out, name);
    text_puts(out, "[{");
    if (message != NULL)
        put_text(out, "message", message);
    json_write_name(out, "physicalLocation");
    text_putc(out, '{');
    json_write_name(out, "artifactLocation");
    text_putc(out, '{');
    put_uri(out, place.source->label);
    text_putc(out, '}');
    if (place.line > 0) {
        json_write_name(out, "region");
        text_putc(out, '{');
        json_write_number(out, "startLine", place.line);
        json_write_number(out, "startColumn", place.column);
        json_write_number(out, "endColumn", place.column + (place.length > 0 ? place.length : 1));
        text_putc(out, '}');
    }
    text_puts(out, "}}]");
}

static void put_rules(struct text *out)
{
    json_write_name(out, "rules");
    text_putc(out, '[');
    for (size_t i = 0; i < DIAGNOSTIC_CODES; i++) {
        const struct diagnostic_page *page = &diagnostic_code_pages[i];
        json_write_item(out);
        text_putc(out, '{');
        json_write_member(out, "id", page->name);
        put_text(out, "shortDescription", page->title);
        put_text(out, "help", page->text);
        text_putc(out, '}');
    }
    text_putc(out, ']');
}

static void put_result(struct text *out, const struct diagnostic *d)
{
    static const char *const levels[] = {"note", "warning", "error"};
    struct text scratch = {.arena = out->arena};
    json_write_item(out);
    text_putc(out, '{');
    json_write_member(out, "ruleId", diagnostic_code_pages[d->code].name);
    json_write_member(out, "level", levels[d->severity]);
    put_text(out, "message", whole_message(&scratch, d));
    if (d->place.source != NULL)
        put_location(out, "locations", d->place, NULL);
    if (d->also.source != NULL)
        put_location(out, "relatedLocations", d->also, d->note);
    text_putc(out, '}');
}

void report_sarif(struct text *out, const struct diagnostics *diagnostics)
{
    text_putc(out, '{');
    json_write_member(out, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
    json_write_member(out, "version", "2.1.0");
    json_write_name(out, "runs");
    text_puts(out, "[{");
    json_write_name(out, "tool");
    text_putc(out, '{');
    json_write_name(out, "driver");
    text_putc(out, '{');
    json_write_member(out, "name", "hermes-compile");
    json_write_member(out, "version", HERMES_VERSION);
    put_rules(out);
    text_puts(out, "}}");
    json_write_member(out, "columnKind", "unicodeCodePoints");
    json_write_name(out, "results");
    text_putc(out, '[');
    for (size_t i = 0; i < diagnostics->count; i++)
        put_result(out, diagnostics->items[i]);
    text_putc(out, ']');
    if (diagnostics->hidden > 0) {
        json_write_name(out, "properties");
        text_putc(out, '{');
        json_write_number(out, "hidden", diagnostics->hidden);
        text_putc(out, '}');
    }
    text_puts(out, "}]}\n");
}

/* --- GitHub --- */

/* PROPERTY: inside `key=value`, where ':' and ',' mean something too. */
static void put_escaped(struct text *out, const char *text, bool property)
{
    for (; *text != '\0'; text++)
        if (*text == '%' || *text == '\r' || *text == '\n' || (property && (*text == ':' || *text == ',')))
            text_printf(out, "%%%02X", (unsigned char)*text);
        else
            text_putc(out, *text);
}

void report_github(struct text *out, const struct diagnostics *diagnostics)
{
    static const char *const commands[] = {"notice", "warning", "error"};
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *d = diagnostics->items[i];
        struct text scratch = {.arena = out->arena};
        text_printf(out, "::%s ", commands[d->severity]);
        if (d->place.source != NULL) {
            text_puts(out, "file=");
            put_escaped(out, d->place.source->label, true);
            text_putc(out, ',');
        }
        if (d->place.line > 0)
            text_printf(out, "line=%u,col=%u,endColumn=%u,", d->place.line, d->place.column,
                        d->place.column + (d->place.length > 0 ? d->place.length : 1));
        text_printf(out, "title=%s::", diagnostic_code_pages[d->code].name);
        put_escaped(out, whole_message(&scratch, d), false);
        text_putc(out, '\n');
    }
    if (diagnostics->hidden > 0)
        text_printf(out, "::notice ::%zu more findings; --all shows them\n", diagnostics->hidden);
}
