#include "json_token.h"

#include <stdint.h>
#include <string.h>

struct json_tokens json_tokens(const char *bytes, size_t len)
{
    return (struct json_tokens){bytes, bytes + len};
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool filling(char c)
{
    return blank(c) || c == ',' || c == ':';
}

static void skip_filling(struct json_tokens *tokens)
{
    while (tokens->at < tokens->end && filling(*tokens->at))
        tokens->at++;
}

/* The quote that ends the string at AT, or END. Prompts are long: nothing is looked at byte by byte. */
static const char *closing_quote(const char *at, const char *end)
{
    const char *quote = NULL;
    for (;;) {
        if (quote == NULL || at > quote)
            quote = memchr(at, '"', (size_t)(end - at));
        if (quote == NULL)
            quote = end;
        const char *escape = memchr(at, '\\', (size_t)(quote - at));
        if (escape == NULL)
            return quote;
        if (end - escape < 2)
            return end;
        at = escape + 2;
    }
}

/* The string whose quote has just been passed. One that the bytes cut off is
 * still a text: an error's beginning says what it is. */
static struct json_token string(struct json_tokens *tokens)
{
    struct json_token token = {JSON_TEXT, tokens->at, 0};
    const char *at = closing_quote(tokens->at, tokens->end);
    token.len = (size_t)(at - token.bytes);
    tokens->at = at < tokens->end ? at + 1 : at;
    const char *next = tokens->at;
    while (next < tokens->end && blank(*next))
        next++;
    if (next < tokens->end && *next == ':')
        token.kind = JSON_NAME;
    return token;
}

static bool of_a_scalar(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
           c == '.';
}

static struct json_token scalar(struct json_tokens *tokens)
{
    struct json_token token = {JSON_SCALAR, tokens->at, 0};
    while (tokens->at < tokens->end && of_a_scalar(*tokens->at))
        tokens->at++;
    token.len = (size_t)(tokens->at - token.bytes);
    if (token.len == 0)
        token.kind = JSON_NONE;
    return token;
}

struct json_token json_token_next(struct json_tokens *tokens)
{
    skip_filling(tokens);
    if (tokens->at == tokens->end)
        return (struct json_token){JSON_NONE, tokens->end, 0};
    char c = *tokens->at;
    if (c == '"') {
        tokens->at++;
        return string(tokens);
    }
    if (c == '{' || c == '[' || c == '}' || c == ']')
        return (struct json_token){c == '{' || c == '[' ? JSON_OPEN : JSON_CLOSE, tokens->at++, 1};
    return scalar(tokens);
}

/* As json_token_next would go, but without looking at what is gone past. */
bool json_token_skip(struct json_tokens *tokens, struct json_token token)
{
    size_t depth = token.kind == JSON_OPEN;
    for (; depth > 0 && tokens->at < tokens->end; tokens->at++) {
        char c = *tokens->at;
        if (c == '"')
            tokens->at = closing_quote(tokens->at + 1, tokens->end);
        else if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        else if (!filling(c) && !of_a_scalar(c))
            return false;
        if (tokens->at == tokens->end)
            return false;
    }
    return depth == 0 && token.kind != JSON_NONE;
}

bool json_token_child(struct json_tokens *tokens, struct json_token *name, struct json_token *value)
{
    *name = (struct json_token){JSON_NONE, tokens->at, 0};
    *value = json_token_next(tokens);
    if (value->kind == JSON_NAME) {
        *name = *value;
        *value = json_token_next(tokens);
    }
    return value->kind == JSON_OPEN || value->kind == JSON_TEXT || value->kind == JSON_SCALAR;
}

static int hex(const char *at, const char *end)
{
    int value = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdef";
        const char *digit = at[i] == '\0' ? NULL : strchr(digits, at[i] | 0x20);
        if (digit == NULL)
            return -1;
        value = value * 16 + (int)(digit - digits);
    }
    return value;
}

static size_t utf8(unsigned long code, char out[4])
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t count = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = count; i > 1; i--, code >>= 6)
        out[i - 1] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(lead[count] | code);
    return count;
}

/* One character of a string: its bytes go to OUT (at most 4, by their number),
 * *AT moves on. */
static size_t character(const char **at, const char *end, char out[4])
{
    static const char plain[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    const char *p = *at;
    bool escape = p[0] == '\\' && end - p > 1 && p[1] != '\0';
    const char *found = escape ? strchr(plain, p[1]) : NULL;
    int code = escape && p[1] == 'u' ? hex(p + 2, end) : -1;
    if (code < 0) {
        *at = found != NULL ? p + 2 : p + 1;
        out[0] = found != NULL ? meant[found - plain] : p[0];
        return 1;
    }
    *at = p + 6;
    int low = code >= 0xd800 && code < 0xdc00 && end - *at >= 6 && p[6] == '\\' && p[7] == 'u' ? hex(p + 8, end) : -1;
    if (low < 0xdc00 || low > 0xdfff)
        return utf8((unsigned long)code, out);
    *at = p + 12;
    return utf8(0x10000UL + (((unsigned long)code - 0xd800) << 10) + ((unsigned long)low - 0xdc00), out);
}

static bool escaped(struct json_token token)
{
    return token.len > 0 && memchr(token.bytes, '\\', token.len) != NULL;
}

size_t json_token_unescape(struct json_token token, char *out)
{
    char bytes[4];
    if (token.len > 0 && !escaped(token))
        return (size_t)((char *)mempcpy(out, token.bytes, token.len) - out);
    size_t len = 0;
    const char *end = token.bytes + token.len;
    for (const char *at = token.bytes; at < end;) {
        size_t count = character(&at, end, bytes);
        memcpy(out + len, bytes, count);
        len += count;
    }
    return len;
}

bool json_token_is(struct json_token token, const char *text, size_t len)
{
    char bytes[4];
    const char *at = token.bytes;
    const char *end = at + token.len;
    if (!escaped(token))
        return token.len == len && (len == 0 || memcmp(token.bytes, text, len) == 0);
    while (at < end) {
        size_t count = character(&at, end, bytes);
        if (count > len || memcmp(bytes, text, count) != 0)
            return false;
        text += count;
        len -= count;
    }
    return len == 0;
}

/* --- Strictly --- */

enum { MAX_DEPTH = 1000 }; /* the compiler stops at 128 */

/* How many of the bytes from AT to END, eight at a time, are certainly neither a quote, nor a backslash, nor a control
 * character. */
static size_t plain_run(const char *at, const char *end)
{
    static const uint64_t ones = 0x0101010101010101u;
    static const uint64_t high_bits = 0x8080808080808080u;
    const char *start = at;
    for (uint64_t eight; (size_t)(end - at) >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, at, sizeof eight);
        uint64_t quote = eight ^ ones * '"';
        uint64_t backslash = eight ^ ones * '\\';
        uint64_t found =
            ((eight - ones * 0x20) & ~eight) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash);
        if ((found & high_bits) != 0)
            break;
    }
    return (size_t)(at - start);
}

void json_token_pass_space(struct json_tokens *t)
{
    while (t->at < t->end && blank(*t->at))
        t->at++;
}

static bool take(struct json_tokens *t, const char *any)
{
    bool found = t->at < t->end && *t->at != '\0' && strchr(any, *t->at) != NULL;
    t->at += found;
    return found;
}

static bool take_digits(struct json_tokens *t)
{
    const char *start = t->at;
    while (t->at < t->end && *t->at >= '0' && *t->at <= '9')
        t->at++;
    return t->at > start;
}

static bool pass_number(struct json_tokens *t)
{
    (void)take(t, "-");
    if (!take(t, "0") && !take_digits(t))
        return false;
    if (take(t, ".") && !take_digits(t))
        return false;
    if (!take(t, "eE"))
        return true;
    (void)take(t, "+-");
    return take_digits(t);
}

bool json_token_pass_string(struct json_tokens *t)
{
    if (!take(t, "\""))
        return false;
    for (t->at += plain_run(t->at, t->end); t->at < t->end && (unsigned char)*t->at >= 0x20;) {
        char c = *t->at++;
        if (c == '"')
            return true;
        if (c != '\\')
            continue;
        if (take(t, "u")) {
            if (hex(t->at, t->end) < 0)
                return false;
            t->at += 4;
        } else if (!take(t, "\"\\/bfnrt")) {
            return false;
        }
    }
    return false;
}

bool json_token_pass_plain(struct json_tokens *t, enum json_dialect dialect)
{
    static const char *const words[] = {"true", "false", "null", "NaN", "Infinity", "-Infinity"};
    for (int i = 0; i < (dialect == JSON_PYTHON ? 6 : 3); i++) {
        size_t len = strlen(words[i]);
        if ((size_t)(t->end - t->at) < len || memcmp(t->at, words[i], len) != 0)
            continue;
        t->at += len;
        return true;
    }
    return pass_number(t);
}

static bool valid_scalar(struct json_tokens *t)
{
    return t->at < t->end && *t->at == '"' ? json_token_pass_string(t) : json_token_pass_plain(t, JSON_STRICT);
}

/* `"name":`, where an object wants one. */
static bool valid_name(struct json_tokens *t)
{
    json_token_pass_space(t);
    if (!json_token_pass_string(t))
        return false;
    json_token_pass_space(t);
    return take(t, ":");
}

bool json_token_valid(const char *bytes, size_t len)
{
    char closing[MAX_DEPTH]; /* of each container that is open */
    size_t depth = 0;
    struct json_tokens t = json_tokens(bytes, len);
    for (;;) {
        json_token_pass_space(&t);
        bool opened = t.at < t.end && (*t.at == '{' || *t.at == '[');
        if (opened && depth == MAX_DEPTH)
            return false;
        if (opened)
            closing[depth++] = *t.at++ == '{' ? '}' : ']';
        else if (!valid_scalar(&t))
            return false;
        for (json_token_pass_space(&t); depth > 0 && t.at < t.end && *t.at == closing[depth - 1];
             json_token_pass_space(&t)) {
            t.at++;
            depth--;
            opened = false;
        }
        if (depth == 0)
            return t.at == t.end;
        if (!opened && !take(&t, ","))
            return false;
        if (closing[depth - 1] == '}' && !valid_name(&t))
            return false;
    }
}
