/* Values of the configuration by their path, in the bytes that were published. */
#include <string.h>

#include "hermes_runtime.h"
#include "json_token.h"

/* The index that the LEN bytes of TEXT write; -1 when they do not. */
static long index_of(const char *text, size_t len)
{
    long index = 0;
    if (len == 0 || len > 9)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        index = index * 10 + (text[i] - '0');
    }
    return index;
}

/* Moves TOKENS, which stand inside a container, to the child of that NAME. *TOKEN is its first token then. */
static bool enter(struct json_tokens *tokens, bool list, const char *name, size_t len, struct json_token *token)
{
    long wanted = list ? index_of(name, len) : 0;
    if (wanted < 0)
        return false;
    for (long i = 0;; i++) {
        struct json_token at = json_next(tokens);
        bool named = at.kind == JSON_NAME;
        if (at.kind == JSON_NONE || at.kind == JSON_CLOSE || named == list)
            return false;
        bool found = list ? i == wanted : json_is(at, name, len);
        *token = named ? json_next(tokens) : at;
        if (found)
            return true;
        if (!json_skip(tokens, *token))
            return false;
    }
}

/* The value that PATH names under the value that FIRST begins. A name may hold dots: the shortest part that is there
 * is taken first, and longer ones are tried when the rest is not below it. */
static bool walk(struct json_tokens tokens, struct json_token first, const char *path, const char **ret,
                 size_t *ret_len)
{
    size_t len = strlen(path);
    if (len == 0) {
        struct json_tokens start = tokens;
        *ret = first.kind == JSON_TEXT ? first.bytes - 1 : first.bytes;
        if (!json_skip(&start, first))
            return false;
        *ret_len = (size_t)(start.at - *ret);
        return true;
    }
    if (first.kind != JSON_OPEN)
        return false;
    for (size_t part = strcspn(path, "."); part <= len; part += 1 + strcspn(path + part + 1, ".")) {
        struct json_tokens inside = tokens;
        struct json_token child;
        const char *rest = path + part + (path[part] == '.' ? 1 : 0);
        if ((path[part] == '\0' || *rest != '\0') && enter(&inside, *first.bytes == '[', path, part, &child) &&
            walk(inside, child, rest, ret, ret_len))
            return true;
        if (part == len)
            return false;
    }
    return false;
}

const char *hermes_config(const struct hermes_view *view, const char *path, size_t *ret_len)
{
    size_t len;
    const char *content = hermes_content(view, &len);
    struct json_tokens tokens = json_tokens(content, len);
    struct json_token first = json_next(&tokens);
    struct json_token config;
    const char *found;
    if (first.kind != JSON_OPEN || !enter(&tokens, false, "config", 6, &config))
        return NULL;
    return walk(tokens, config, path, &found, ret_len) ? found : NULL;
}
