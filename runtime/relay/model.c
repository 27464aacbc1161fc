#include "model.h"

#include <string.h>
#include <strings.h>

#include "json_token.h"
#include "route.h"

bool model_find(const char *body, size_t len, struct model_place *ret)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some editors put it before a text in UTF-8 */
    bool marked = len >= 3 && memcmp(body, mark, 3) == 0;
    struct json_tokens tokens = json_tokens(body + (marked ? 3 : 0), len - (marked ? 3 : 0));
    struct model_place found = {0};
    struct json_token first = json_token_next(&tokens);
    if (first.kind != JSON_OPEN || *first.bytes != '{')
        return false;
    for (struct json_token name; (name = json_token_next(&tokens)).kind == JSON_NAME;) {
        struct json_token value = json_token_next(&tokens);
        bool whole = value.kind == JSON_TEXT && value.bytes + value.len < body + len; /* its quote has come, too */
        if (json_token_is(name, "model", 5) && value.kind != JSON_NONE)
            found = whole ? (struct model_place){.start = (size_t)(value.bytes - body),
                                                 .end = (size_t)(value.bytes - body) + value.len}
                          : (struct model_place){0};
        if (!json_token_skip(&tokens, value))
            break;
    }
    *ret = found;
    return found.end > found.start;
}

/* The boundary that CONTENT_TYPE names, with the two dashes before it. False: it is no form. */
static bool boundary_of(const char *content_type, char *out, size_t size)
{
    const char *at =
        strncasecmp(content_type, "multipart/form-data", 19) == 0 ? strcasestr(content_type, "boundary=") : NULL;
    if (at == NULL)
        return false;
    at += strlen("boundary=");
    bool quoted = *at == '"';
    at += quoted;
    size_t len = strcspn(at, quoted ? "\"" : "; \t");
    if (len == 0 || len + 3 > size)
        return false;
    out[0] = out[1] = '-';
    memcpy(out + 2, at, len);
    out[len + 2] = '\0';
    return true;
}

/* Whether the LEN bytes of a part's headers say that it is the field `model` of a form, and no file. */
static bool is_model_field(const char *headers, size_t len)
{
    char copy[512];
    if (len >= sizeof copy)
        return false;
    memcpy(copy, headers, len);
    copy[len] = '\0';
    const char *name = strcasestr(copy, "content-disposition:");
    if (name == NULL || strcasestr(copy, "filename") != NULL)
        return false;
    name = strcasestr(name, "name=");
    if (name == NULL || (name[-1] != ' ' && name[-1] != ';' && name[-1] != '\t'))
        return false;
    name += strlen("name=");
    return strncmp(name, "\"model\"", 7) == 0 || (strncmp(name, "model", 5) == 0 && strchr("; \t\r", name[5]) != NULL);
}

bool model_find_in_form(const char *content_type, const char *body, size_t len, struct model_place *ret)
{
    char boundary[128];
    if (body == NULL || !boundary_of(content_type, boundary, sizeof boundary))
        return false;
    const char *end = body + len;
    for (const char *at = body; (at = memmem(at, (size_t)(end - at), boundary, strlen(boundary))) != NULL;) {
        at += strlen(boundary);
        const char *value = memmem(at, (size_t)(end - at), "\r\n\r\n", 4);
        if (value == NULL)
            return false;
        const char *next = memmem(value, (size_t)(end - value), boundary, strlen(boundary));
        if (is_model_field(at, (size_t)(value - at))) {
            if (next == NULL || next - value < 6)
                return false;
            *ret = (struct model_place){(size_t)(value + 4 - body), (size_t)(next - 2 - body), true, false};
            return ret->end > ret->start;
        }
        at = value;
    }
    return false;
}

bool model_find_in_pairs(const char *content_type, const char *body, size_t len, struct model_place *ret)
{
    static const char type[] = "application/x-www-form-urlencoded";
    if (strncasecmp(content_type, type, sizeof type - 1) != 0)
        return false;
    for (size_t at = 0; at < len;) {
        const char *and = memchr(body + at, '&', len - at);
        size_t end = and == NULL ? len : (size_t)(and-body);
        if (end - at > 6 && memcmp(body + at, "model=", 6) == 0) {
            *ret = (struct model_place){.start = at + 6, .end = end, .of_form = true, .escaped = true};
            return true;
        }
        at = end + 1;
    }
    return false;
}

bool model_name(const char *body, struct model_place place, char name[MODEL_SIZE])
{
    size_t len = place.end - place.start;
    if (len == 0 || len >= MODEL_SIZE)
        return false;
    if (place.escaped)
        return route_decode(body + place.start, len, name, MODEL_SIZE);
    memcpy(name, body + place.start, len);
    if (!place.of_form)
        len = json_token_unescape((struct json_token){JSON_TEXT, body + place.start, len}, name);
    name[len] = '\0';
    return strlen(name) == len;
}

bool model_replace(const char *body, size_t len, struct model_place place, const char *name, struct bytes *result)
{
    return bytes_reserve(result, len + 2 * strlen(name)) && bytes_add(result, body, place.start) &&
           (place.escaped   ? route_encode(name, result)
            : place.of_form ? bytes_add(result, name, strlen(name))
                            : bytes_add_json(result, name, strlen(name))) &&
           bytes_add(result, body + place.end, len - place.end);
}
