#include "yaml_scalar.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "blank.h"
#include "text.h"

/* Python refuses to turn more decimal digits than this into an int. */
enum { MAX_DIGITS = 4300, MAX_PARTS = 2400 /* of base 60, which have as many digits */ };

struct cursor {
    const char *at;
    const char *end;
};

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool digit_or_low_line(char c)
{
    return digit(c) || c == '_';
}

static bool binary_digit(char c)
{
    return c == '0' || c == '1' || c == '_';
}

static bool octal_digit(char c)
{
    return (c >= '0' && c <= '7') || c == '_';
}

static bool hex_digit(char c)
{
    return digit_or_low_line(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static size_t run(struct cursor *c, bool (*is)(char))
{
    const char *start = c->at;
    while (c->at < c->end && is(*c->at))
        c->at++;
    return (size_t)(c->at - start);
}

static bool take(struct cursor *c, char wanted)
{
    if (c->at >= c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static bool take_sign(struct cursor *c)
{
    return take(c, '-') || take(c, '+');
}

static bool ended(const struct cursor *c)
{
    return c->at == c->end;
}

/* Most are told apart by the first letter, without a call. */
static bool is_one_of(const char *text, size_t len, const char *const *words)
{
    const char first = len == 0 ? '\0' : *text;
    for (; *words != NULL; words++)
        if (**words == first && strlen(*words) == len && memcmp(*words, text, len) == 0)
            return true;
    return false;
}

/* `(:[0-5]?[0-9])+`; false when not even one is there. */
static bool sexagesimal_tail(struct cursor *c)
{
    bool any = false;
    while (c->at < c->end && *c->at == ':') {
        const char *p = c->at + 1;
        size_t digits = 0;
        while (p + digits < c->end && digits < 2 && digit(p[digits]))
            digits++;
        if (digits == 2 && p[0] > '5')
            digits = 1;
        if (digits == 0)
            break;
        c->at = p + digits;
        any = true;
    }
    return any;
}

static bool is_int(const char *text, size_t len)
{
    struct cursor c = {text, text + len};
    (void)take_sign(&c);
    struct cursor start = c;
    if (take(&c, '0')) {
        if (ended(&c))
            return true;
        if (take(&c, 'b'))
            return run(&c, binary_digit) > 0 && ended(&c);
        if (take(&c, 'x'))
            return run(&c, hex_digit) > 0 && ended(&c);
        return run(&c, octal_digit) > 0 && ended(&c);
    }
    c = start;
    if (ended(&c) || !digit(*c.at))
        return false;
    (void)run(&c, digit_or_low_line);
    return ended(&c) || (sexagesimal_tail(&c) && ended(&c));
}

static bool exponent(struct cursor *c)
{
    if (!take(c, 'e') && !take(c, 'E'))
        return true;
    return take_sign(c) && run(c, digit) > 0;
}

static bool is_float(const char *text, size_t len)
{
    static const char *const infinite[] = {".inf", ".Inf", ".INF", NULL};
    static const char *const nan_words[] = {".nan", ".NaN", ".NAN", NULL};
    struct cursor c = {text, text + len};
    if (is_one_of(text, len, nan_words))
        return true;
    bool sign = take_sign(&c);
    if (is_one_of(c.at, (size_t)(c.end - c.at), infinite))
        return true;
    if (!sign && take(&c, '.')) {
        if (ended(&c) || !digit(*c.at))
            return false;
        (void)run(&c, digit_or_low_line);
        return exponent(&c) && ended(&c);
    }
    if (ended(&c) || !digit(*c.at))
        return false;
    (void)run(&c, digit_or_low_line);
    bool sexagesimal = sexagesimal_tail(&c);
    if (!take(&c, '.'))
        return false;
    (void)run(&c, digit_or_low_line);
    return (sexagesimal || exponent(&c)) && ended(&c);
}

struct moment {
    int year, month, day, hour, minute, second;
    int microsecond;
    bool has_time;
    bool has_zone;
    int zone_minutes;
};

static int number(struct cursor *c, int least, int most)
{
    int value = 0;
    int count = 0;
    for (; count < most && c->at < c->end && digit(*c->at); count++)
        value = value * 10 + (*c->at++ - '0');
    return count >= least ? value : -1;
}

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
        c->at++;
}

static bool read_zone(struct cursor *c, struct moment *m)
{
    struct cursor start = *c;
    skip_blanks(c);
    if (ended(c)) {
        *c = start;
        return true;
    }
    m->has_zone = true;
    if (take(c, 'Z'))
        return true;
    int sign = c->at < c->end && *c->at == '-' ? -1 : 1;
    if (!take_sign(c))
        return false;
    int hours = number(c, 1, 2);
    int minutes = 0;
    if (hours < 0 || (take(c, ':') && (minutes = number(c, 2, 2)) < 0))
        return false;
    m->zone_minutes = sign * (hours * 60 + minutes);
    return true;
}

static bool read_time(struct cursor *c, struct moment *m)
{
    if (!take(c, 'T') && !take(c, 't')) {
        const char *start = c->at;
        skip_blanks(c);
        if (c->at == start)
            return false;
    }
    m->has_time = true;
    m->hour = number(c, 1, 2);
    if (m->hour < 0 || !take(c, ':') || (m->minute = number(c, 2, 2)) < 0 || !take(c, ':') ||
        (m->second = number(c, 2, 2)) < 0)
        return false;
    if (take(c, '.')) {
        int scale = 100000;
        for (; c->at < c->end && digit(*c->at); c->at++, scale /= 10)
            m->microsecond += (*c->at - '0') * scale;
    }
    return read_zone(c, m);
}

/* WRITTEN_OUT: a date alone needs two digits for month and day, as the resolver wants it; with a tag of its own it may
 * do with one. */
static bool read_moment(const char *text, size_t len, bool written_out, struct moment *m)
{
    struct cursor c = {text, text + len};
    *m = (struct moment){0};
    m->year = number(&c, 4, 4);
    if (m->year < 0 || !take(&c, '-'))
        return false;
    const char *month = c.at;
    if ((m->month = number(&c, 1, 2)) < 0 || !take(&c, '-'))
        return false;
    const char *day = c.at;
    if ((m->day = number(&c, 1, 2)) < 0)
        return false;
    if (ended(&c))
        return !written_out || (day - month == 3 && c.at - day == 2);
    return read_time(&c, m) && ended(&c);
}

enum yaml_tag yaml_scalar_resolve(const char *text, size_t len)
{
    static const char *const truths[] = {"yes",   "Yes",   "YES", "no", "No", "NO",  "true", "True", "TRUE", "false",
                                         "False", "FALSE", "on",  "On", "ON", "off", "Off",  "OFF",  NULL};
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    struct moment m;
    if (is_one_of(text, len, nulls))
        return TAG_NULL;
    if (strchr("yYnNtTfFoO", text[0]) != NULL)
        return is_one_of(text, len, truths) ? TAG_BOOL : TAG_STR;
    if (len == 2 && memcmp(text, "<<", 2) == 0)
        return TAG_MERGE;
    if (len == 1 && text[0] == '=')
        return TAG_VALUE;
    if (!digit(text[0]) && strchr("+-.", text[0]) == NULL)
        return TAG_STR;
    if (is_float(text, len))
        return TAG_FLOAT;
    if (is_int(text, len))
        return TAG_INT;
    return digit(text[0]) && read_moment(text, len, true, &m) ? TAG_TIMESTAMP : TAG_STR;
}

bool yaml_scalar_looks_like_number(const char *text, size_t len)
{
    struct cursor c = {text, text + len};
    (void)take_sign(&c);
    if (c.end - c.at > 2 && c.at[0] == '0' && c.at[1] == 'o') {
        c.at += 2;
        return run(&c, octal_digit) > 0 && ended(&c);
    }
    size_t digits = run(&c, digit);
    if (take(&c, '.'))
        digits += run(&c, digit);
    if (digits == 0 || (!take(&c, 'e') && !take(&c, 'E')))
        return false;
    (void)take_sign(&c);
    return run(&c, digit) > 0 && ended(&c);
}

static void set_text(struct arena *arena, struct node *node, enum node_kind kind, const char *text, size_t len)
{
    node->kind = kind;
    node->text = arena_strndup(arena, text, len);
    node->len = len;
}

/* LIMBS (base 1e9, lowest first) = LIMBS * FACTOR + ADD. */
static size_t multiply_add(uint32_t *limbs, size_t count, uint32_t factor, uint32_t add)
{
    uint64_t carry = add;
    for (size_t i = 0; i < count; i++) {
        carry += (uint64_t)limbs[i] * factor;
        limbs[i] = (uint32_t)(carry % 1000000000u);
        carry /= 1000000000u;
    }
    if (carry > 0)
        limbs[count++] = (uint32_t)carry;
    return count;
}

static void set_limbs(struct arena *arena, struct node *node, const uint32_t *limbs, size_t count, bool negative)
{
    struct text out = {.arena = arena};
    if (negative && count > 0)
        text_putc(&out, '-');
    text_printf(&out, "%u", count == 0 ? 0 : limbs[count - 1]);
    for (size_t i = count; i > 1; i--)
        text_printf(&out, "%09u", limbs[i - 2]);
    node->kind = NODE_INTEGER;
    node->text = out.bytes;
    node->len = out.len;
}

static uint32_t digit_value(char c)
{
    if (digit(c))
        return (uint32_t)(c - '0');
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'z' ? (uint32_t)(lower - 'a' + 10) : UINT32_MAX;
}

/* TEXT without its low lines, which both of PyYAML's constructors of numbers drop first. */
static char *without_low_lines(struct arena *arena, const char *text, size_t len)
{
    char *clean = arena_alloc(arena, len + 1);
    size_t used = 0;
    for (size_t i = 0; i < len; i++)
        if (text[i] != '_')
            clean[used++] = text[i];
    return clean;
}

struct number {
    uint32_t *limbs;
    size_t count;
    bool negative;
};

/* Python's int(text, base): blanks around it, a sign, the base's prefix. NULL, or what is wrong. */
static const char *python_int(struct arena *arena, const char *text, size_t len, uint32_t base, struct number *result)
{
    static const char prefixes[] = {[2] = 'b', [8] = 'o', [16] = 'x'};
    text = blank_strip(text, len, &len);
    struct cursor c = {text, text + len};
    result->negative = len > 0 && text[0] == '-';
    (void)take_sign(&c);
    if (base != 10 && c.end - c.at > 1 && c.at[0] == '0' && (c.at[1] | 0x20) == prefixes[base])
        c.at += 2;
    if (ended(&c))
        return "this number has no digits";
    if (c.end - c.at > MAX_DIGITS)
        return "this number has too many digits";
    result->limbs = arena_alloc(arena, ((size_t)(c.end - c.at) / 6 + 8) * sizeof *result->limbs);
    result->count = 0;
    for (; !ended(&c); c.at++) {
        if (digit_value(*c.at) >= base)
            return "this is not a number";
        result->count = multiply_add(result->limbs, result->count, base, digit_value(*c.at));
    }
    return NULL;
}

/* `1:30:00`: parts of base 60. */
static const char *sexagesimal_int(struct arena *arena, const char *at, struct number *result)
{
    struct number part;
    result->limbs = arena_alloc(arena, (strlen(at) + 8) * sizeof *result->limbs);
    result->count = 0;
    size_t parts = 0;
    for (const char *end; at != NULL; at = *end == ':' ? end + 1 : NULL) {
        end = strchrnul(at, ':');
        const char *why = python_int(arena, at, (size_t)(end - at), 10, &part);
        if (why != NULL)
            return why;
        if (part.count > 1 || part.negative || ++parts > MAX_PARTS)
            return "this number has too many digits";
        result->count = multiply_add(result->limbs, result->count, 60, part.count == 0 ? 0 : part.limbs[0]);
    }
    return NULL;
}

/* As most numbers are written, and as they are kept: decimal, without a zero in front. */
static bool canonical(const char *text, size_t len)
{
    struct cursor c = {text, text + len};
    (void)take(&c, '-');
    return !ended(&c) && *c.at != '0' && run(&c, digit) <= MAX_DIGITS && ended(&c);
}

static const char *construct_int(struct arena *arena, const char *text, size_t len, struct node *node)
{
    if (canonical(text, len)) {
        set_text(arena, node, NODE_INTEGER, text, len);
        return NULL;
    }
    char *at = without_low_lines(arena, text, len);
    bool negative = at[0] == '-';
    struct number value = {0};
    const char *why;
    at += at[0] == '-' || at[0] == '+';
    if (strcmp(at, "0") == 0)
        why = NULL;
    else if (at[0] == '0' && (at[1] == 'b' || at[1] == 'x'))
        why = python_int(arena, at + 2, strlen(at + 2), at[1] == 'b' ? 2 : 16, &value);
    else if (at[0] == '0')
        why = python_int(arena, at, strlen(at), 8, &value);
    else if (strchr(at, ':') != NULL)
        why = sexagesimal_int(arena, at, &value);
    else
        why = python_int(arena, at, strlen(at), 10, &value);
    if (why == NULL)
        set_limbs(arena, node, value.limbs, value.count, negative != value.negative);
    return why;
}

/* Python's repr: the shortest text that reads back, with an exponent below 1e-4 and from 1e16 on. */
static void set_float(struct arena *arena, struct node *node, double value)
{
    char text[40] = "";
    node->kind = NODE_FLOAT;
    if (isnan(value) || isinf(value)) {
        const char *name = isnan(value) ? ".nan" : value < 0 ? "-.inf" : ".inf";
        node->text = name;
        node->len = strlen(name);
        return;
    }
    int precision = 1;
    for (; precision <= 17; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision - 1, value);
        if (strtod(text, NULL) == value)
            break;
    }
    int power = atoi(strchr(text, 'e') + 1);
    if (power >= -4 && power < 16) {
        (void)snprintf(text, sizeof text, "%.*f", precision - 1 > power ? precision - 1 - power : 1, value);
    } else {
        char *e = strchr(text, 'e');
        (void)snprintf(e, sizeof text - (size_t)(e - text), "e%+03d", power);
    }
    node->text = arena_strdup(arena, text);
    node->len = strlen(text);
}

/* Python's float(text): blanks around it, no hexadecimal. */
static bool python_float(struct arena *arena, const char *text, size_t len, double *ret)
{
    char *end;
    text = blank_strip(text, len, &len);
    text = arena_strndup(arena, text, len);
    *ret = strtod(text, &end);
    return len > 0 && end == text + len && strpbrk(text, "xX(") == NULL;
}

/* As most are written, and as Python's repr writes them: as many digits as a double tells apart, none that could be
 * left out, and no exponent. */
static bool canonical_float(const char *text, size_t len)
{
    struct cursor c = {text, text + len};
    (void)take(&c, '-');
    const char *start = c.at;
    const size_t before = run(&c, digit);
    if (before == 0 || (before > 1 && *start == '0') || !take(&c, '.'))
        return false;
    const char *fraction = c.at;
    const size_t behind = run(&c, digit);
    if (behind == 0 || !ended(&c) || before + behind > 15 || (behind > 1 && fraction[behind - 1] == '0'))
        return false;
    return *start != '0' || behind < 4 || memcmp(fraction, "0000", 4) != 0;
}

static const char *construct_float(struct arena *arena, const char *text, size_t len, struct node *node)
{
    if (canonical_float(text, len)) {
        set_text(arena, node, NODE_FLOAT, text, len);
        return NULL;
    }
    const char *at = without_low_lines(arena, text, len);
    double sign = at[0] == '-' ? -1 : 1;
    double value = 0;
    double base = 1;
    at += at[0] == '-' || at[0] == '+';
    if (strcasecmp(at, ".inf") == 0 || strcasecmp(at, ".nan") == 0) {
        set_float(arena, node, (at[1] | 0x20) == 'n' ? NAN : sign * INFINITY);
        return NULL;
    }
    for (size_t end = strlen(at);;) { /* from the last part to the first, as PyYAML adds them */
        double part;
        size_t start = end;
        while (start > 0 && at[start - 1] != ':')
            start--;
        if (!python_float(arena, at + start, end - start, &part))
            return "this is not a number";
        value += part * base;
        base *= 60;
        if (start == 0)
            break;
        end = start - 1;
    }
    set_float(arena, node, sign * value);
    return NULL;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static const char *construct_timestamp(struct arena *arena, const char *text, size_t len, struct node *node)
{
    struct moment m;
    if (!read_moment(text, len, false, &m))
        return "this is not a date";
    if (m.year < 1 || m.month < 1 || m.month > 12 || m.day < 1 || m.day > days_in(m.year, m.month))
        return "there is no such day";
    if (m.hour > 23 || m.minute > 59 || m.second > 59 || abs(m.zone_minutes) >= 24 * 60)
        return "there is no such time";
    struct text out = {.arena = arena};
    text_printf(&out, "%04d-%02d-%02d", m.year, m.month, m.day);
    if (m.has_time)
        text_printf(&out, "T%02d:%02d:%02d", m.hour, m.minute, m.second);
    if (m.microsecond > 0)
        text_printf(&out, ".%06d", m.microsecond);
    if (m.has_zone)
        text_printf(&out, "%c%02d:%02d", m.zone_minutes < 0 ? '-' : '+', abs(m.zone_minutes) / 60,
                    abs(m.zone_minutes) % 60);
    set_text(arena, node, NODE_TIMESTAMP, out.bytes, out.len);
    return NULL;
}

static const char *construct_bool(const char *text, size_t len, struct node *node)
{
    static const char *const truths[] = {"yes", "true", "on", NULL};
    static const char *const lies[] = {"no", "false", "off", NULL};
    char lower[8] = "";
    for (size_t i = 0; i < len && i < sizeof lower - 1; i++)
        lower[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
    node->kind = NODE_BOOL;
    node->boolean = is_one_of(lower, len < sizeof lower ? len : 0, truths);
    return node->boolean || is_one_of(lower, len < sizeof lower ? len : 0, lies) ? NULL : "this is not a boolean";
}

static bool base64_letter(char c)
{
    return digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '/';
}

/* The last letter of an incomplete group says more than its bytes hold. */
static void clear_unused_bits(struct text *letters)
{
    static const char order[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (letters->len % 4 < 2)
        return;
    char *last = &letters->bytes[letters->len - 1];
    size_t value = (size_t)(strchr(order, *last) - order);
    *last = order[value & (letters->len % 4 == 2 ? 0x30U : 0x3CU)];
}

/* Python's decodebytes: passes over everything that is not base64, stops behind a padding that completes a group, and
 * insists on whole groups. */
static const char *construct_binary(struct arena *arena, const char *text, size_t len, struct node *node)
{
    struct text out = {.arena = arena};
    size_t pads = 0;
    bool complete = false;
    text_append(&out, "", 0);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] >= 0x80)
            return "this is not base64";
        if (complete)
            continue;
        if (text[i] == '=') {
            pads++;
            complete = out.len % 4 >= 2 && out.len % 4 + pads >= 4;
        } else if (base64_letter(text[i])) {
            pads = 0;
            text_putc(&out, text[i]);
        }
    }
    if (out.len % 4 != 0 && !complete)
        return "this is not base64";
    clear_unused_bits(&out);
    while (out.len % 4 != 0)
        text_putc(&out, '=');
    set_text(arena, node, NODE_BINARY, out.bytes, out.len);
    return NULL;
}

const char *yaml_scalar_construct(struct arena *arena, enum yaml_tag tag, const char *text, size_t len,
                                  struct node *node)
{
    switch (tag) {
    case TAG_NULL:
        node->kind = NODE_NULL;
        return NULL;
    case TAG_BOOL:
        return construct_bool(text, len, node);
    case TAG_INT:
        return construct_int(arena, text, len, node);
    case TAG_FLOAT:
        return construct_float(arena, text, len, node);
    case TAG_TIMESTAMP:
        return construct_timestamp(arena, text, len, node);
    case TAG_BINARY:
        return construct_binary(arena, text, len, node);
    case TAG_STR:
        set_text(arena, node, NODE_STRING, text, len);
        return NULL;
    default:
        return "Hermes's YAML reader does not know this tag";
    }
}
