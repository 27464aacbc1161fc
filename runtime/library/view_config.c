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

/* The value of a child, as the walk goes on with it. */
struct child {
    struct json_tokens tokens; /* behind its first token */
    struct json_token first;
    long part; /* the length of what names it in the path; -1: no child */
};

/* The length of the first part of PATH that is NAME; -1: none is. A name with escapes is shorter than it looks. */
static long part_of(struct json_token name, const char *path)
{
    size_t path_len = strlen(path);
    bool plain = memchr(name.bytes, '\\', name.len) == NULL;
    for (size_t len = plain ? name.len : 0; len <= name.len && len <= path_len; len++)
        if ((path[len] == '.' || path[len] == '\0') && json_token_is(name, path, len))
            return (long)len;
    return -1;
}

/* The child of the container whose inside TOKENS are that is named by the shortest part of PATH longer than BEYOND. It
 * takes one pass, however many parts PATH has. */
static struct child find_child(struct json_tokens tokens, bool list, const char *path, long beyond)
{
    struct child found = {.part = -1};
    struct json_token name;
    struct json_token value;
    long first_part = (long)strcspn(path, ".");
    long wanted = list && beyond < 0 ? index_of(path, (size_t)first_part) : -1;
    for (long i = 0; json_token_child(&tokens, &name, &value); i++) {
        long part = !list ? part_of(name, path) : i == wanted ? first_part : -1;
        if (part > beyond && (found.part < 0 || part < found.part))
            found = (struct child){tokens, value, part};
        if ((list && i == wanted) || !json_token_skip(&tokens, value))
            break;
    }
    return found;
}

/* The value that PATH names under the value that FIRST begins. A name may hold dots: the shortest part that is there
 * is taken first, and longer ones are tried when the rest is not below it. */
static bool walk(struct json_tokens tokens, struct json_token first, const char *path, const char **ret,
                 size_t *ret_len)
{
    if (*path == '\0') {
        *ret = first.kind == JSON_TEXT ? first.bytes - 1 : first.bytes;
        if (!json_token_skip(&tokens, first))
            return false;
        *ret_len = (size_t)(tokens.at - *ret);
        return true;
    }
    if (first.kind != JSON_OPEN)
        return false;
    bool list = *first.bytes == '[';
    struct child child = find_child(tokens, list, path, -1);
    for (; child.part >= 0; child = find_child(tokens, list, path, child.part)) {
        const char *rest = path + child.part;
        bool dangling = *rest == '.' && rest[1] == '\0';
        if (!dangling && walk(child.tokens, child.first, rest + (*rest == '.'), ret, ret_len))
            return true;
    }
    return false;
}

const char *hermes_config(const struct hermes_view *view, const char *path, size_t *ret_len)
{
    size_t len;
    const char *content = hermes_content(view, &len);
    struct json_tokens tokens = json_tokens(content, len);
    struct json_token first = json_token_next(&tokens);
    const char *found;
    struct child config =
        first.kind == JSON_OPEN ? find_child(tokens, false, "config", -1) : (struct child){.part = -1};
    return config.part >= 0 && walk(config.tokens, config.first, path, &found, ret_len) ? found : NULL;
}
