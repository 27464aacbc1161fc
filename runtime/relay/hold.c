#include "hold.h"

#include <string.h>
#include <strings.h>

#include "json_token.h"

static bool begins(const char *text, const char *with)
{
    return strncasecmp(text, with, strlen(with)) == 0;
}

enum hold hold_for(int status, const char *content_type)
{
    if (status >= 400)
        return HOLD_BODY;
    if (content_type == NULL)
        return HOLD_NOTHING;
    if (begins(content_type, "text/event-stream"))
        return HOLD_EVENT;
    if (begins(content_type, "application/x-ndjson") || begins(content_type, "application/ndjson") ||
        begins(content_type, "application/jsonl") || begins(content_type, "application/x-jsonlines") ||
        begins(content_type, "application/jsonlines") || begins(content_type, "application/stream+json"))
        return HOLD_LINE;
    return strcasestr(content_type, "json") != NULL ? HOLD_VALUE : HOLD_NOTHING;
}

size_t hold_limit(enum hold hold)
{
    return hold == HOLD_EVENT ? HOLD_EVENT_LIMIT : HOLD_LIMIT;
}

/* The length of a line's end at AT (CR LF, LF or CR); 0: none. */
static size_t line_end(const char *stream, size_t at, size_t len)
{
    if (stream[at] == '\n')
        return 1;
    if (stream[at] != '\r')
        return 0;
    return at + 1 < len && stream[at + 1] == '\n' ? 2 : 1;
}

static bool token_is(struct json_token token, const char *text)
{
    return json_token_is(token, text, strlen(text));
}

static bool is_empty(struct json_token value, struct json_tokens rest)
{
    if (value.kind == JSON_OPEN)
        return json_token_next(&rest).kind == JSON_CLOSE;
    return value.len == 0 || token_is(value, "null");
}

/* An object all of whose members are empty, but for those of the NAMES. */
static bool says_nothing(struct json_tokens object, const char *const *names)
{
    struct json_token name;
    struct json_token value;
    while (json_token_child(&object, &name, &value)) {
        bool expected = is_empty(value, object);
        for (size_t i = 0; !expected && names[i] != NULL; i++)
            expected = token_is(name, names[i]);
        if (!expected || !json_token_skip(&object, value))
            return false;
    }
    return true;
}

/* The list of an OpenAI chunk's choices: none, or one that has begun and has no content yet. */
static bool choices_say_nothing(struct json_tokens list)
{
    static const char *const usual[] = {"index", "delta", "logprobs", "content_filter_results", NULL};
    static const char *const of_delta[] = {"role", NULL};
    struct json_token name;
    struct json_token value;
    if (!json_token_child(&list, &name, &value))
        return true;
    struct json_tokens choice = list;
    if (value.kind != JSON_OPEN || !says_nothing(choice, usual))
        return false;
    while (json_token_child(&choice, &name, &value)) {
        if (token_is(name, "delta") && value.kind == JSON_OPEN && !says_nothing(choice, of_delta))
            return false;
        if (!json_token_skip(&choice, value))
            return false;
    }
    return true;
}

/* What comes before a provider knows whether it can serve. */
static bool is_preamble(const char *data, size_t len)
{
    static const char *const types[] = {"response.created",
                                        "response.queued",
                                        "response.in_progress",
                                        "response.output_item.added",
                                        "response.content_part.added",
                                        "message_start",
                                        "content_block_start",
                                        "message-start", /* Cohere's */
                                        "content-start",
                                        "codex.rate_limits",
                                        "ping"};
    struct json_token name;
    struct json_token value;
    struct json_tokens tokens = json_tokens(data, len);
    struct json_token first = json_token_next(&tokens);
    bool preamble = first.kind == JSON_OPEN && *first.bytes == '{' && is_empty(first, tokens);
    if (first.kind != JSON_OPEN)
        return false;
    while (json_token_child(&tokens, &name, &value)) {
        if (token_is(name, "error") && !is_empty(value, tokens))
            return false;
        if (token_is(name, "type")) {
            preamble = false;
            for (size_t i = 0; i < sizeof types / sizeof *types; i++)
                preamble = preamble || token_is(value, types[i]);
            return preamble;
        }
        if (token_is(name, "choices") && value.kind == JSON_OPEN)
            preamble = choices_say_nothing(tokens);
        if (!json_token_skip(&tokens, value))
            break;
    }
    return preamble;
}

/* The first event with data that is no preamble; comments do not count. */
static bool find_event(const char *stream, size_t len, struct hold_piece *ret)
{
    struct hold_piece data = {0, 0};
    size_t start = 0;
    size_t line = 0;
    for (size_t at = 0; at < len;) {
        size_t end = line_end(stream, at, len);
        if (end == 0) {
            at++;
            continue;
        }
        bool blank = at == line;
        if (blank && data.end > 0 && !is_preamble(stream + data.start, data.end - data.start)) {
            *ret = (struct hold_piece){start, at + end};
            return true;
        }
        if (!blank && data.end == 0 && at - line >= 5 && memcmp(stream + line, "data:", 5) == 0)
            data = (struct hold_piece){line + 5, at};
        at += end;
        line = at;
        if (blank) {
            start = at;
            data.end = 0;
        }
    }
    return false;
}

static size_t skip_blanks(const char *body, size_t len)
{
    size_t at = 0;
    while (at < len && strchr(" \t\r\n", body[at]) != NULL && body[at] != '\0')
        at++;
    return at;
}

/* Blanks alone: the provider works on it, and lets the client know. */
static bool is_sign_of_life(size_t blanks, size_t len, struct hold_piece *ret)
{
    if (blanks < len)
        return false;
    *ret = (struct hold_piece){len, len};
    return true;
}

static bool find_line(const char *body, size_t len, struct hold_piece *ret)
{
    size_t start = skip_blanks(body, len);
    if (is_sign_of_life(start, len, ret))
        return true;
    const char *newline = memchr(body + start, '\n', len - start);
    if (newline == NULL)
        return false;
    *ret = (struct hold_piece){start, (size_t)(newline - body)};
    return true;
}

/* A whole object in a line: some servers call JSON lines "application/json". */
static bool is_object_line(const char *body, struct hold_piece line)
{
    return body[line.start] == '{' && json_token_valid(body + line.start, line.end - line.start);
}

static bool find_value(const char *body, size_t len, struct hold_piece *ret)
{
    size_t start = skip_blanks(body, len);
    if (is_sign_of_life(start, len, ret))
        return true;
    struct hold_piece line;
    if (body[len - 1] == '\n' && find_line(body, len, &line) && is_object_line(body, line)) {
        *ret = line;
        return true;
    }
    struct json_tokens tokens = json_tokens(body + start, len - start);
    if (body[start] != '[')
        return false;
    (void)json_token_next(&tokens);
    struct json_token first = json_token_next(&tokens);
    if (first.kind == JSON_NONE || !json_token_skip(&tokens, first))
        return false;
    *ret = (struct hold_piece){start, (size_t)(tokens.at - body)};
    return first.kind == JSON_OPEN || tokens.at < body + len; /* a number may go on */
}

bool hold_enough(enum hold hold, const char *body, size_t len, struct hold_piece *ret)
{
    switch (hold) {
    case HOLD_EVENT:
        return len > 0 && find_event(body, len, ret);
    case HOLD_LINE:
        return len > 0 && find_line(body, len, ret);
    case HOLD_VALUE:
        return len > 0 && find_value(body, len, ret);
    default:
        return false;
    }
}
