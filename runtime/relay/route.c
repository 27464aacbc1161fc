#include "route.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "bytes.h"

/* Providers that sell other makers' models under `maker/model`: there such a name names no provider of ours. */
static const char *const resellers[] = {"openrouter", "ai-gateway",   "kilocode", "nous",        "huggingface",
                                        "novita",     "deepinfra",    "nvidia",   "fireworks",   "gmi",
                                        "together",   "opencode-zen", "copilot",  "opencode-go", NULL};

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The segment up to the next '/', decoded. False: too long, or not decodable. */
static bool decode_segment(const char *text, size_t len, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            if (len - i < 3 || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0)
                return false;
            c = hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]);
            i += 2;
        }
        if (c == 0 || used + 1 >= size)
            return false;
        out[used++] = (char)c;
    }
    out[used] = '\0';
    return true;
}

/* `v1`, `v1beta`, `v4` */
static bool version_like(const char *segment, size_t len)
{
    return len >= 2 && segment[0] == 'v' && isdigit((unsigned char)segment[1]);
}

/* One character of a path, as whoever decodes it reads it. */
static int decoded_at(const char *path, size_t len, size_t *at)
{
    int c = (unsigned char)path[(*at)++];
    if (c != '%' || len - *at < 2 || hex_digit(path[*at]) < 0 || hex_digit(path[*at + 1]) < 0)
        return c;
    c = hex_digit(path[*at]) * 16 + hex_digit(path[*at + 1]);
    *at += 2;
    return c;
}

static bool visible(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 127 || text[i] == '#')
            return false;
    return true;
}

/* No segment leads upwards, neither as it stands nor decoded. */
static bool honest(const char *path, size_t len)
{
    size_t dots = 0;
    size_t others = 0;
    if (!visible(path, len) || memchr(path, '\\', len) != NULL)
        return false;
    for (size_t at = 1;;) {
        bool over = at >= len;
        int c = over ? '/' : decoded_at(path, len, &at);
        bool ends = c == '/' || c == '\\' || c == ';';
        if (c < ' ' || c == 127 || (ends && others == 0 && (dots == 1 || dots == 2)))
            return false;
        if (over)
            return true;
        dots = ends ? 0 : dots + (c == '.');
        others = ends ? 0 : others + (c != '.');
    }
}

int route_parse(const char *target, struct route *ret)
{
    struct route route = {.query = strchr(target, '?')};
    size_t len = route.query == NULL ? strlen(target) : (size_t)(route.query - target);
    if (route.query != NULL)
        route.query++;
    if (len < 2 || target[0] != '/')
        return -ENOENT;
    if (!honest(target, len) || (route.query != NULL && !visible(route.query, strlen(route.query))))
        return -EINVAL;
    size_t first = strcspn(target + 1, "/?");
    if (version_like(target + 1, first)) {
        route.rest = target;
        route.rest_len = len;
    } else {
        route.rest = target + 1 + first;
        route.rest_len = len - 1 - first;
        if (route.rest_len < 3 || !version_like(route.rest + 1, strcspn(route.rest + 1, "/?")) ||
            !decode_segment(target + 1, first, route.provider, sizeof route.provider) || route.provider[0] == '\0')
            return -ENOENT;
    }
    *ret = route;
    return 0;
}

/* The path after its version: "/chat/completions". */
static size_t after_version(const struct route *route)
{
    return 1 + strcspn(route->rest + 1, "/?");
}

const char *route_path(const struct route *route, size_t *ret_len)
{
    size_t skip = after_version(route);
    *ret_len = route->rest_len - skip;
    return route->rest + skip;
}

enum dialect route_dialect(const struct route *route)
{
    const char *path = route->rest + after_version(route);
    return strncmp(path, "/messages", 9) == 0 ? DIALECT_ANTHROPIC : DIALECT_OPENAI;
}

static bool resells(const char *provider)
{
    for (size_t i = 0; resellers[i] != NULL; i++)
        if (strcmp(resellers[i], provider) == 0)
            return true;
    return false;
}

const struct hermes_provider *route_by_model(const struct hermes_view *view, const char *model, size_t len,
                                             size_t *ret_model)
{
    const char *slash = memchr(model, '/', len);
    const char *first = hermes_default_provider(view);
    char name[PROVIDER_NAME_SIZE];
    if (slash == NULL || slash == model || (size_t)(slash - model) >= sizeof name || slash + 1 == model + len ||
        (first != NULL && resells(first)))
        return NULL;
    (void)snprintf(name, sizeof name, "%.*s", (int)(slash - model), model);
    const struct hermes_provider *provider = hermes_provider(view, name);
    if (provider != NULL)
        *ret_model = (size_t)(slash + 1 - model);
    return provider;
}

static size_t trimmed(const char *url)
{
    size_t len = strlen(url);
    while (len > 0 && url[len - 1] == '/')
        len--;
    return len;
}

static bool ends_in_version(const char *url, size_t len)
{
    size_t start = len;
    while (start > 0 && url[start - 1] != '/')
        start--;
    return start > 0 && version_like(url + start, len - start);
}

/* An Anthropic base URL has no version at its end, and its clients bring one; an OpenAI one has it, or wants none. */
static bool wants_version(const char *base_url, const char *auth, size_t base_len, const struct route *route)
{
    if (ends_in_version(base_url, base_len))
        return false;
    return strcmp(auth, "x-api-key") == 0 || route_dialect(route) == DIALECT_ANTHROPIC;
}

/* The client's own key, under a name that some provider's clients give it. */
static bool is_credential(const char *parameter, size_t len)
{
    static const char *const names[] = {"key", "api_key", "api-key", "apikey", "access_token", "token", NULL};
    const char *equals = memchr(parameter, '=', len);
    char name[16];
    if (equals == NULL || !decode_segment(parameter, (size_t)(equals - parameter), name, sizeof name))
        return false;
    for (size_t i = 0; names[i] != NULL; i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

static bool add_query(const char *query, struct bytes *out)
{
    char separator = '?';
    while (query != NULL && *query != '\0') {
        size_t len = strcspn(query, "&");
        bool key = is_credential(query, len);
        if (len > 0 && !key && (!bytes_add(out, &separator, 1) || !bytes_add(out, query, len)))
            return false;
        if (len > 0 && !key)
            separator = '&';
        query += len + (query[len] == '&');
    }
    return true;
}

bool route_url(const char *base_url, const char *auth, const struct route *route, struct bytes *out)
{
    size_t base_len = trimmed(base_url);
    size_t skip = wants_version(base_url, auth, base_len, route) ? 0 : after_version(route);
    return bytes_add(out, base_url, base_len) && bytes_add(out, route->rest + skip, route->rest_len - skip) &&
           add_query(route->query, out) && bytes_add(out, "", 1);
}

bool route_fallback(const struct hermes_view *view, size_t index, struct target *ret)
{
    const struct hermes_fallback *fallback = hermes_fallback(view, index);
    if (fallback == NULL)
        return false;
    (void)snprintf(ret->provider, sizeof ret->provider, "%s", fallback->provider);
    (void)snprintf(ret->model, sizeof ret->model, "%s", fallback->model);
    return true;
}
