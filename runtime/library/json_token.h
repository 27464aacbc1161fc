/* JSON as a row of tokens over bytes that may be anything: hostile, or the beginning of a longer text. Nothing is
 * allocated, so that no key is copied on the way, and nothing recursed. But for json_token_valid it is no validator: it
 * goes on as long as tokens can be told apart.
 *
 *     struct json_tokens tokens = json_tokens(bytes, len);
 *     for (struct json_token t = json_token_next(&tokens); t.kind != JSON_NONE; t = json_token_next(&tokens))
 *         ...
 */
#ifndef HERMES_JSON_TOKEN_H
#define HERMES_JSON_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "must_check.h"

enum json_token_kind {
    JSON_NONE, /* the end, or something that is not JSON */
    JSON_OPEN, /* `{` or `[` */
    JSON_CLOSE,
    JSON_NAME,   /* a string before a colon */
    JSON_TEXT,   /* any other string */
    JSON_SCALAR, /* a number, true, false, null */
};

struct json_token {
    enum json_token_kind kind;
    const char *bytes; /* of a string: what stands between its quotes, escapes and all */
    size_t len;
};

struct json_tokens {
    const char *at;
    const char *end;
};

struct json_tokens json_tokens(const char *bytes, size_t len);
struct json_token json_token_next(struct json_tokens *tokens);
/* Goes past the value that TOKEN begins. False when the bytes end first. */
bool json_token_skip(struct json_tokens *tokens, struct json_token token);
/* The next member or element of the container whose JSON_OPEN has been read: its NAME (JSON_NONE in a list) and the
 * first token of its value, which json_token_skip goes past. False at the container's end. */
bool json_token_child(struct json_tokens *tokens, struct json_token *name, struct json_token *value) MUST_CHECK;
/* Are the bytes one JSON value, as RFC 8259 has it, and nothing else? */
bool json_token_valid(const char *bytes, size_t len);
/* The string TOKEN with its escapes resolved: at most its `len` bytes go to OUT; their number is returned. */
size_t json_token_unescape(struct json_token token, char *out);
/* Is the string TOKEN, its escapes resolved, the LEN bytes of TEXT? */
bool json_token_is(struct json_token token, const char *text, size_t len);

/* What json_token_valid is made of, for a reader that checks and keeps more than tokens. Each goes past one thing of
 * the grammar; false: that is not what stands there. */
enum json_dialect {
    JSON_STRICT, /* RFC 8259 */
    JSON_PYTHON, /* as Python's json reads it: NaN, Infinity and -Infinity, too */
};
void json_token_pass_space(struct json_tokens *tokens);
bool json_token_pass_string(struct json_tokens *tokens) MUST_CHECK;
/* A number or a word. */
bool json_token_pass_plain(struct json_tokens *tokens, enum json_dialect dialect) MUST_CHECK;

#endif
