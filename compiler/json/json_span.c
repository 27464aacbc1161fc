#include "json_span.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json_token.h"

enum { NAME_SLOTS = 64 };

struct scanner {
    struct arena *arena;
    const char *text;
    struct json_tokens in;
    size_t depth;
    size_t kept_depth;
    struct json *stack;
    size_t used;
    size_t capacity;
    struct {
        const char *start; /* with its quote */
        size_t len;
        const char *name;
    } names[NAME_SLOTS]; /* the last one that hashed to a slot: entries of one kind have the same names */
};

static char peek(const struct scanner *s)
{
    return s->in.at < s->in.end ? *s->in.at : '\0';
}

static size_t at(const struct scanner *s)
{
    return (size_t)(s->in.at - s->text);
}

/* The string with its quotes from START to END. A lone surrogate becomes its three bytes, which no key has. */
static const char *decode(struct arena *arena, const char *start, const char *end)
{
    const struct json_token token = {JSON_TEXT, start + 1, (size_t)(end - start) - 2};
    if (memchr(token.bytes, '\\', token.len) == NULL) /* most of the time; no control character is in it */
        return arena_strndup(arena, token.bytes, token.len);
    char *out = arena_alloc(arena, token.len + 1);
    size_t len = json_token_unescape(token, out);
    return memchr(out, '\0', len) == NULL ? out : NULL;
}

static bool scan_value(struct scanner *s, struct json *value);

static void push(struct scanner *s, const struct json *value)
{
    ARENA_GROW(s->arena, s->stack, s->capacity, s->used + 1);
    s->stack[s->used++] = *value;
}

/* The decoded name at START, up to where the scanner is. One with a NUL in it is nobody's. */
static const char *name_at(struct scanner *s, const char *start)
{
    size_t len = (size_t)(s->in.at - start);
    size_t slot = (len * 31 + (unsigned char)start[1] * 7 + (unsigned char)start[len - 2]) % NAME_SLOTS;
    if (s->names[slot].name != NULL && s->names[slot].len == len && memcmp(s->names[slot].start, start, len) == 0)
        return s->names[slot].name;
    const char *name = decode(s->arena, start, s->in.at);
    s->names[slot].start = start;
    s->names[slot].len = len;
    s->names[slot].name = name != NULL ? name : "\xFF";
    return s->names[slot].name;
}

static bool scan_name(struct scanner *s, struct json *child)
{
    child->name_start = (uint32_t)at(s);
    if (!json_token_pass_string(&s->in))
        return false;
    if (s->depth <= s->kept_depth)
        child->name = name_at(s, s->text + child->name_start);
    json_token_pass_space(&s->in);
    if (peek(s) != ':')
        return false;
    s->in.at++;
    json_token_pass_space(&s->in);
    return true;
}

/* The next child of an object or array; false at its end, and where the text is wrong: *RET_GOOD says which. */
static bool next_child(struct scanner *s, char close, bool first, struct json *child, bool *ret_good)
{
    json_token_pass_space(&s->in);
    *ret_good = peek(s) == close;
    if (*ret_good || (!first && peek(s) != ','))
        return false;
    if (!first) {
        s->in.at++;
        json_token_pass_space(&s->in);
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
    s->in.at++;
    for (bool first = true; next_child(s, close, first, &child, &good); first = false)
        if (s->depth <= s->kept_depth)
            push(s, &child);
    if (!good)
        return false;
    s->in.at++;
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
    char first = peek(s);
    bool digit = first >= '0' && first <= '9';
    bool good = json_token_pass_plain(&s->in, JSON_PYTHON);
    value->kind = digit || (first == '-' && s->text[value->start + 1] != 'I') ? JSON_NUMBER : JSON_WORD;
    return good;
}

static bool scan_value(struct scanner *s, struct json *value)
{
    bool good;
    value->start = (uint32_t)at(s);
    if (s->in.at == s->in.end || s->depth >= JSON_MAX_DEPTH)
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
        good = json_token_pass_string(&s->in);
        break;
    default:
        good = scan_plain(s, value);
        break;
    }
    s->depth--;
    value->end = (uint32_t)at(s);
    return good;
}

struct json *json_span_scan(struct arena *arena, const char *text, size_t len, size_t *ret_at)
{
    return json_span_scan_closed(arena, text, len, JSON_MAX_DEPTH, ret_at);
}

const struct json *json_span_opened(struct arena *arena, const char *text, const struct json *value)
{
    struct scanner s = {
        .arena = arena, .text = text, .in = {text + value->start, text + value->end}, .kept_depth = JSON_MAX_DEPTH};
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
        name = decode(s->arena, s->text + start, s->text + start + len + 2);
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
    struct scanner s = {.arena = arena, .text = text, .in = {text + object->start + 1, text + object->end}, .depth = 1};
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
    struct scanner s = {.arena = arena, .text = text, .in = json_tokens(text, len), .kept_depth = depth};
    struct json *root = arena_alloc(arena, sizeof *root);
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        s.in.at += 3;
    json_token_pass_space(&s.in);
    bool good = len <= UINT32_MAX && scan_value(&s, root);
    if (good)
        json_token_pass_space(&s.in);
    if (good && s.in.at == s.in.end)
        return root;
    *ret_at = at(&s);
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
    return value == NULL || value->kind != JSON_STRING ? NULL : decode(arena, text + value->start, text + value->end);
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
