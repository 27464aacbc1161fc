#include "json_token.h"

#include <string.h>

struct json_tokens json_tokens(const char *bytes, size_t len)
{
    return (struct json_tokens){bytes, bytes + len};
}

static void skip_filling(struct json_tokens *tokens)
{
    while (tokens->at < tokens->end && strchr(" \t\r\n,:", *tokens->at) != NULL && *tokens->at != '\0')
        tokens->at++;
}

/* The string whose quote has just been passed. One that the bytes cut off is still a text: an error's beginning says
 * what it is. */
static struct json_token string(struct json_tokens *tokens)
{
    struct json_token token = {JSON_TEXT, tokens->at, 0};
    const char *at = tokens->at;
    while (at < tokens->end && *at != '"')
        at += *at == '\\' && tokens->end - at > 1 ? 2 : 1;
    token.len = (size_t)(at - token.bytes);
    tokens->at = at < tokens->end ? at + 1 : at;
    const char *next = tokens->at;
    while (next < tokens->end && (*next == ' ' || *next == '\t' || *next == '\r' || *next == '\n'))
        next++;
    if (next < tokens->end && *next == ':')
        token.kind = JSON_NAME;
    return token;
}

static struct json_token scalar(struct json_tokens *tokens)
{
    static const char letters[] = "+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    struct json_token token = {JSON_SCALAR, tokens->at, 0};
    while (tokens->at < tokens->end && *tokens->at != '\0' && strchr(letters, *tokens->at) != NULL)
        tokens->at++;
    token.len = (size_t)(tokens->at - token.bytes);
    if (token.len == 0)
        token.kind = JSON_NONE;
    return token;
}

struct json_token json_next(struct json_tokens *tokens)
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

bool json_skip(struct json_tokens *tokens, struct json_token token)
{
    size_t depth = 0;
    for (;; token = json_next(tokens)) {
        if (token.kind == JSON_NONE)
            return false;
        if (token.kind == JSON_OPEN)
            depth++;
        else if (token.kind == JSON_CLOSE)
            depth--;
        if (depth == 0)
            return true;
    }
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

/* One character of a string: its bytes go to OUT (at most 4, by their number), *AT moves on. */
static size_t character(const char **at, const char *end, char out[4])
{
    static const char plain[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    const char *p = *at;
    const char *found = p[0] == '\\' && end - p > 1 && p[1] != '\0' ? strchr(plain, p[1]) : NULL;
    int code = p[0] == '\\' && end - p > 1 && p[1] == 'u' ? hex(p + 2, end) : -1;
    *at = found != NULL ? p + 2 : code >= 0 ? p + 6 : p + 1;
    if (code < 0) {
        out[0] = found != NULL ? meant[found - plain] : p[0];
        return 1;
    }
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | code >> 12); /* a surrogate stays one: the compiler writes such characters as UTF-8 */
    out[1] = (char)(0x80 | (code >> 6 & 0x3f));
    out[2] = (char)(0x80 | (code & 0x3f));
    return 3;
}

bool json_is(struct json_token token, const char *text, size_t len)
{
    char bytes[4];
    const char *at = token.bytes;
    const char *end = at + token.len;
    while (at < end) {
        size_t count = character(&at, end, bytes);
        if (count > len || memcmp(bytes, text, count) != 0)
            return false;
        text += count;
        len -= count;
    }
    return len == 0;
}
