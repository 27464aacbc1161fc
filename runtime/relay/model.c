#include "model.h"

#include <string.h>

#include "json_token.h"

bool model_find(const char *body, size_t len, struct model_place *ret)
{
    struct json_tokens tokens = json_tokens(body, len);
    struct model_place found = {0, 0};
    struct json_token first = json_token_next(&tokens);
    if (first.kind != JSON_OPEN || *first.bytes != '{')
        return false;
    for (struct json_token name; (name = json_token_next(&tokens)).kind == JSON_NAME;) {
        struct json_token value = json_token_next(&tokens);
        bool plain = value.kind == JSON_TEXT && memchr(value.bytes, '\\', value.len) == NULL;
        if (json_token_is(name, "model", 5))
            found = plain ? (struct model_place){(size_t)(value.bytes - body), (size_t)(value.bytes - body) + value.len}
                          : (struct model_place){0, 0};
        if (!json_token_skip(&tokens, value))
            return false;
    }
    *ret = found;
    return found.end > found.start;
}

bool model_replace(const char *body, size_t len, struct model_place place, const char *name, struct bytes *result)
{
    if (!bytes_reserve(result, len + 2 * strlen(name)) || !bytes_add(result, body, place.start))
        return false;
    for (; *name != '\0'; name++)
        if (((*name == '"' || *name == '\\') && !bytes_add(result, "\\", 1)) || !bytes_add(result, name, 1))
            return false;
    return bytes_add(result, body + place.end, len - place.end);
}
