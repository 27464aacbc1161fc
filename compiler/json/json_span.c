#include "json_span.h"

#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { NAME_SLOTS = 64 };

struct scanner {
    struct arena *arena;
    const char *text;
    size_t len;
    size_t at;
    size_t depth;
    size_t kept_depth;
    struct json *stack;
    size_t used;
    size_t capacity;
    struct {
        size_t start; /* with its quote */
        size_t len;
        const char *name;
    } names[NAME_SLOTS]; /* the last one that hashed to a slot: entries of one kind have the same names */
};

static char peek(const struct scanner *s)
{
    return s->at < s->len ? s->text[s->at] : '\0';
}

static void skip_blanks(struct scanner *s)
{
    size_t at = s->at;
    while (at < s->len && (s->text[at] == ' ' || s->text[at] == '\n' || s->text[at] == '\t' || s->text[at] == '\r'))
        at++;
    s->at = at;
}

static bool take_word(struct scanner *s, const char *word)
{
    size_t len = strlen(word);
    if (s->len - s->at < len || memcmp(s->text + s->at, word, len) != 0)
        return false;
    s->at += len;
    return true;
}

static size_t digits(struct scanner *s)
{
    size_t start = s->at;
    while (peek(s) >= '0' && peek(s) <= '9')
        s->at++;
    return s->at - start;
}

static bool scan_number(struct scanner *s)
{
    if (peek(s) == '-')
        s->at++;
    if (peek(s) == '0')
        s->at++;
    else if (digits(s) == 0)
        return false;
    size_t whole = s->at;
    if (peek(s) == '.') {
        s->at++;
        if (digits(s) == 0) {
            s->at = whole;
            return true;
        }
    }
    size_t fraction = s->at;
    if (peek(s) == 'e' || peek(s) == 'E') {
        s->at++;
        if (peek(s) == '+' || peek(s) == '-')
            s->at++;
        if (digits(s) == 0)
            s->at = fraction;
    }
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* How many of the LEN bytes at TEXT, eight at a time, are certainly neither a quote, nor a backslash, nor a control
 * character. */
static size_t plain_run(const char *text, size_t len)
{
    static const uint64_t ones = 0x0101010101010101u;
    static const uint64_t high_bits = 0x8080808080808080u;
    size_t at = 0;
    for (uint64_t eight; at + sizeof eight <= len; at += sizeof eight) {
        memcpy(&eight, text + at, sizeof eight);
        uint64_t quote = eight ^ ones * '"';
        uint64_t backslash = eight ^ ones * '\\';
        uint64_t found =
            ((eight - ones * 0x20) & ~eight) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash);
        if ((found & high_bits) != 0)
            break;
    }
    return at;
}

static bool scan_string(struct scanner *s)
{
    if (peek(s) != '"')
        return false;
    s->at++;
    for (s->at += plain_run(s->text + s->at, s->len - s->at); s->at < s->len; s->at++) {
        unsigned char c = (unsigned char)s->text[s->at];
        if (c == '"') {
            s->at++;
            return true;
        }
        if (c < 0x20)
            return false;
        if (c != '\\')
            continue;
        s->at++;
        if (s->at >= s->len || memchr("\"\\/bfnrtu", s->text[s->at], 9) == NULL)
            return false;
        for (int i = 0; s->text[s->at - (size_t)i] == 'u' && i == 0; i++)
            for (size_t k = 1; k <= 4; k++)
                if (s->at + k >= s->len || !is_hex(s->text[s->at + k]))
                    return false;
    }
    return false;
}

static uint32_t hex4(const char *text)
{
    char digits_text[5] = {text[0], text[1], text[2], text[3], '\0'};
    return (uint32_t)strtoul(digits_text, NULL, 16);
}

static void put_utf8(struct text *out, uint32_t c)
{
    if (c < 0x80) {
        text_putc(out, (char)c);
    } else if (c < 0x800) {
        text_putc(out, (char)(0xC0 | c >> 6));
        text_putc(out, (char)(0x80 | (c & 0x3F)));
    } else if (c < 0x10000) {
        text_putc(out, (char)(0xE0 | c >> 12));
        text_putc(out, (char)(0x80 | (c >> 6 & 0x3F)));
        text_putc(out, (char)(0x80 | (c & 0x3F)));
    } else {
        text_putc(out, (char)(0xF0 | c >> 18));
        text_putc(out, (char)(0x80 | (c >> 12 & 0x3F)));
        text_putc(out, (char)(0x80 | (c >> 6 & 0x3F)));
        text_putc(out, (char)(0x80 | (c & 0x3F)));
    }
}

/* A lone surrogate becomes its three bytes, which no key has. */
static const char *decode(struct arena *arena, const char *text, size_t start, size_t end)
{
    static const char letters[] = "bfnrt";
    static const char meaning[] = "\b\f\n\r\t";
    struct text out = {.arena = arena};
    if (memchr(text + start, '\\', end - start) == NULL) /* most of the time; no control character is in it */
        return arena_strndup(arena, text + start + 1, end - start - 2);
    text_append(&out, "", 0);
    for (size_t i = start + 1; i + 1 < end; i++) {
        if (text[i] != '\\') {
            const char *escape = memchr(text + i, '\\', end - 1 - i);
            size_t run = escape == NULL ? end - 1 - i : (size_t)(escape - (text + i));
            text_append(&out, text + i, run);
            i += run - 1;
            continue;
        }
        i++;
        const char *letter = strchr(letters, text[i]);
        if (text[i] != 'u') {
            text_putc(&out, letter != NULL ? meaning[letter - letters] : text[i]);
            continue;
        }
        uint32_t c = hex4(text + i + 1);
        i += 4;
        if (c >= 0xD800 && c < 0xDC00 && i + 7 < end && text[i + 1] == '\\' && text[i + 2] == 'u') {
            uint32_t low = hex4(text + i + 3);
            if (low >= 0xDC00 && low < 0xE000) {
                c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
                i += 6;
            }
        }
        put_utf8(&out, c);
    }
    return memchr(out.bytes, '\0', out.len) == NULL ? out.bytes : NULL;
}

static bool scan_value(struct scanner *s, struct json *value);

static void push(struct scanner *s, const struct json *value)
{
    void *stack = s->stack;
    arena_grow(s->arena, &stack, &s->capacity, s->used + 1, sizeof *value);
    s->stack = stack;
    s->stack[s->used++] = *value;
}

/* The decoded name at START, up to where the scanner is. One with a NUL in it is nobody's. */
static const char *name_at(struct scanner *s, size_t start)
{
    size_t len = s->at - start;
    const char *text = s->text + start;
    size_t slot = (len * 31 + (unsigned char)text[1] * 7 + (unsigned char)text[len - 2]) % NAME_SLOTS;
    if (s->names[slot].name != NULL && s->names[slot].len == len &&
        memcmp(s->text + s->names[slot].start, text, len) == 0)
        return s->names[slot].name;
    const char *name = decode(s->arena, s->text, start, s->at);
    s->names[slot].start = start;
    s->names[slot].len = len;
    s->names[slot].name = name != NULL ? name : "\xFF";
    return s->names[slot].name;
}

static bool scan_name(struct scanner *s, struct json *child)
{
    child->name_start = (uint32_t)s->at;
    if (!scan_string(s))
        return false;
    if (s->depth <= s->kept_depth)
        child->name = name_at(s, child->name_start);
    skip_blanks(s);
    if (peek(s) != ':')
        return false;
    s->at++;
    skip_blanks(s);
    return true;
}

/* The next one of an object's or array's children; false at its end, and where the text is wrong: *RET_GOOD says which. */
static bool next_child(struct scanner *s, char close, bool first, struct json *child, bool *ret_good)
{
    skip_blanks(s);
    *ret_good = peek(s) == close;
    if (*ret_good || (!first && peek(s) != ','))
        return false;
    if (!first) {
        s->at++;
        skip_blanks(s);
    }
    *child = (struct json){0};
    *ret_good = (close != '}' || scan_name(s, child)) && scan_value(s, child);
    return *ret_good;
}

static bool scan_children(struct scanner *s, struct json *value, char close)
{
    size_t base = s->used;
    struct json child;
    bool good;
    s->at++;
    for (bool first = true; next_child(s, close, first, &child, &good); first = false)
        if (s->depth <= s->kept_depth)
            push(s, &child);
    if (!good)
        return false;
    s->at++;
    value->closed = s->depth > s->kept_depth;
    if (value->closed)
        return true;
    value->count = (uint32_t)(s->used - base);
    value->children = arena_alloc(s->arena, value->count * sizeof *value->children);
    if (value->count > 0)
        memcpy(value->children, s->stack + base, value->count * sizeof *value->children);
    s->used = base;
    return true;
}

static bool scan_plain(struct scanner *s, struct json *value)
{
    static const char *const words[] = {"null", "true", "false", "NaN", "Infinity", "-Infinity"};
    value->kind = JSON_WORD;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (take_word(s, words[i]))
            return true;
    value->kind = JSON_NUMBER;
    return scan_number(s);
}

static bool scan_value(struct scanner *s, struct json *value)
{
    bool good;
    value->start = (uint32_t)s->at;
    if (s->at >= s->len || s->depth >= JSON_MAX_DEPTH)
        return false;
    s->depth++;
    switch (peek(s)) {
    case '{':
        value->kind = JSON_OBJECT;
        good = scan_children(s, value, '}');
        break;
    case '[':
        value->kind = JSON_ARRAY;
        good = scan_children(s, value, ']');
        break;
    case '"':
        value->kind = JSON_STRING;
        good = scan_string(s);
        break;
    default:
        good = scan_plain(s, value);
        break;
    }
    s->depth--;
    value->end = (uint32_t)s->at;
    return good;
}

struct json *json_span_scan(struct arena *arena, const char *text, size_t len, size_t *ret_at)
{
    return json_span_scan_closed(arena, text, len, JSON_MAX_DEPTH, ret_at);
}

const struct json *json_span_opened(struct arena *arena, const char *text, const struct json *value)
{
    struct scanner s = {
        .arena = arena, .text = text, .len = value->end, .at = value->start, .kept_depth = JSON_MAX_DEPTH};
    struct json *opened;
    if (!value->closed)
        return value;
    opened = arena_alloc(arena, sizeof *opened);
    *opened = *value;
    (void)scan_value(&s, opened); /* it was good before */
    return opened;
}

/* Which of the NAMES stands at START, in quotes; COUNT when none does. */
static size_t name_among(struct scanner *s, size_t start, const char *const *names, size_t count)
{
    const char *name = s->text + start + 1;
    size_t len = 0;
    while (name[len] != '"' && name[len] != '\\')
        len++;
    if (name[len] == '\\') {
        while (name[len] != '"')
            len += name[len] == '\\' ? 2 : 1;
        name = decode(s->arena, s->text, start, start + len + 2);
        if (name == NULL)
            return count;
        len = strlen(name);
    }
    size_t i = 0;
    while (i < count && (*names[i] != *name || strncmp(names[i], name, len) != 0 || names[i][len] != '\0'))
        i++;
    return i;
}

void json_span_pick(struct arena *arena, const char *text, const struct json *object, const char *const *names,
                    size_t count, struct json *ret)
{
    struct scanner s = {.arena = arena, .text = text, .len = object->end, .at = object->start + 1, .depth = 1};
    struct json child;
    bool good;
    memset(ret, 0, count * sizeof *ret);
    for (bool first = true; next_child(&s, '}', first, &child, &good); first = false) {
        size_t i = name_among(&s, child.name_start, names, count);
        if (i < count)
            ret[i] = child;
    }
}

struct json *json_span_scan_closed(struct arena *arena, const char *text, size_t len, size_t depth, size_t *ret_at)
{
    struct scanner s = {.arena = arena, .text = text, .len = len, .kept_depth = depth};
    struct json *root = arena_alloc(arena, sizeof *root);
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        s.at = 3;
    skip_blanks(&s);
    bool good = len <= UINT32_MAX && scan_value(&s, root);
    if (good)
        skip_blanks(&s);
    if (good && s.at == len)
        return root;
    *ret_at = s.at;
    return NULL;
}

struct json *json_span_member(const struct json *object, const char *name)
{
    if (object == NULL || object->kind != JSON_OBJECT)
        return NULL;
    for (size_t i = object->count; i > 0; i--)
        if (*object->children[i - 1].name == *name && strcmp(object->children[i - 1].name, name) == 0)
            return &object->children[i - 1];
    return NULL;
}

const char *json_span_string(struct arena *arena, const char *text, const struct json *value)
{
    return value == NULL || value->kind != JSON_STRING ? NULL : decode(arena, text, value->start, value->end);
}

bool json_span_number(const char *text, const struct json *value, double *ret)
{
    if (value == NULL || value->kind != JSON_NUMBER)
        return false;
    *ret = strtod(text + value->start, NULL); /* what follows a number in JSON is no part of one */
    return isfinite(*ret);
}

const char *json_span_raw(struct arena *arena, const char *text, const struct json *value)
{
    return arena_strndup(arena, text + value->start, value->end - value->start);
}
