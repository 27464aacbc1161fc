#include "route.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "bytes.h"
#include "url.h"

/* Providers that sell other makers' models under `maker/model`: there such a name names no provider of ours. */
static const char *const resellers[] = {"openrouter", "ai-gateway",   "kilocode", "nous",        "huggingface",
                                        "novita",     "deepinfra",    "nvidia",   "fireworks",   "gmi",
                                        "together",   "opencode-zen", "copilot",  "opencode-go", NULL};

enum { PREFIX_SEGMENTS = 4 }; /* of a base URL that a client repeats */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The segment up to the next '/', decoded. False: too long, or not decodable. */
bool route_decode(const char *text, size_t len, char *out, size_t size)
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

bool route_encode(const char *text, struct bytes *out)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = isalnum(c) || strchr("-._~", c) != NULL;
        if (plain ? !bytes_add(out, text, 1) : !bytes_printf(out, "%%%02X", c))
            return false;
    }
    return true;
}

/* `v1`, `v1beta`, `v4` */
static bool version_like(const char *segment, size_t len)
{
    return len >= 2 && segment[0] == 'v' && isdigit((unsigned char)segment[1]);
}

/* `generateContent`, `streamGenerateContent`, `embedContent`, `countTokens`, ...: what Gemini has behind a model, and
 * no model has in its name. */
static bool gemini_method(const char *text, size_t len)
{
    static const char *const ends[] = {"Content", "Contents", "Tokens", "Predict", "predict", "Text", "Answer", NULL};
    for (size_t i = 0; i < len; i++)
        if (!isalpha((unsigned char)text[i]))
            return false;
    for (size_t i = 0; ends[i] != NULL; i++)
        if (len >= strlen(ends[i]) && memcmp(text + len - strlen(ends[i]), ends[i], strlen(ends[i])) == 0)
            return true;
    return false;
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

/* The length of "/v1" at AT; 0: something else stands there. */
static size_t version_at(const char *at, size_t len)
{
    size_t segment = len == 0 || *at != '/' ? 0 : strcspn(at + 1, "/?");
    return segment > 0 && version_like(at + 1, segment) ? 1 + segment : 0;
}

static bool begins(const char *path, size_t len, const char *text)
{
    return len >= strlen(text) && memcmp(path, text, strlen(text)) == 0;
}

/* Whether a path of Azure's is at AT, which has no version; *RET_SKIP: what comes before "/deployments". */
static bool azure_at(const char *at, size_t len, size_t *ret_skip)
{
    *ret_skip = begins(at, len, "/openai/deployments/") ? strlen("/openai") : 0;
    return *ret_skip > 0 || begins(at, len, "/deployments/");
}

/* From the version, or from Azure's "/deployments", on. False: there is neither within the first segments. */
static bool find_rest(struct route *route, const char *path, size_t len)
{
    const char *at = path;
    const char *end = path + len;
    for (int segments = 0; at < end && segments <= PREFIX_SEGMENTS; segments++) {
        size_t left = (size_t)(end - at);
        size_t skip;
        bool azure = azure_at(at, left, &skip);
        route->version_len = version_at(at, left);
        if (azure || route->version_len > 0) {
            route->prefix = path;
            route->prefix_len = (size_t)(at - path);
            route->rest = at + skip;
            route->azure = azure;
            route->rest_len = (size_t)(end - route->rest);
            return true;
        }
        at += 1 + strcspn(at + 1, "/?");
    }
    return false;
}

/* Google takes files at "/upload/v1beta/files". */
static bool is_upload(const char *path, size_t len)
{
    return begins(path, len, "/upload/v1beta/") || begins(path, len, "/upload/v1alpha/");
}

/* A path that clients know, where a version usually stands before it. */
static bool is_bare(const char *path, size_t len)
{
    static const char *const paths[] = {
        "/chat/completions", "/completions", "/responses", "/embeddings", "/models",      "/messages",
        "/images/",          "/audio/",      "/files",     "/batches",    "/moderations", NULL};
    for (size_t i = 0; paths[i] != NULL; i++) {
        size_t size = strlen(paths[i]);
        if (begins(path, len, paths[i]) && (len == size || path[size - 1] == '/' || path[size] == '/'))
            return true;
    }
    return false;
}

static void take_bare(struct route *route, const char *path, size_t len)
{
    route->bare = true;
    route->prefix = route->rest = path;
    route->prefix_len = 0;
    route->rest_len = len;
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
    size_t skip;
    bool direct = version_like(target + 1, first) || azure_at(target, len, &skip) || is_upload(target, len);
    const char *path = direct ? target : target + 1 + first;
    route.upload = is_upload(path, (size_t)(target + len - path));
    path += route.upload ? strlen("/upload") : 0;
    size_t path_len = (size_t)(target + len - path);
    bool found = find_rest(&route, path, path_len);
    if (!found && is_bare(target, len)) {
        direct = true;
        take_bare(&route, target, len);
    } else if (!found && is_bare(path, path_len)) {
        take_bare(&route, path, path_len);
    } else if (!found || (direct && route.prefix_len > 0)) {
        return -ENOENT;
    }
    if (!direct && (!route_decode(target + 1, first, route.provider, sizeof route.provider) || !*route.provider))
        return -ENOENT;
    size_t again = version_at(route.rest + route.version_len, route.rest_len - route.version_len);
    if (route.version_len > 0 && again > 0) { /* a client's base URL has one, and its library adds one */
        route.rest += route.version_len;
        route.rest_len -= route.version_len;
        route.version_len = again;
    }
    *ret = route;
    return 0;
}

void route_unname(struct route *route, const char *target)
{
    route->provider[0] = '\0';
    route->prefix_len += (size_t)(route->prefix - target);
    route->prefix = target;
}

const char *route_path(const struct route *route, size_t *ret_len)
{
    *ret_len = route->rest_len - route->version_len;
    return route->rest + route->version_len;
}

/* The segment of PATH that NAME ("/models/") stands before, to the end, or to the next slash when it is ONE. */
static const char *behind(const char *path, size_t len, const char *name, bool one, size_t *ret_len)
{
    size_t size = strlen(name);
    if (!begins(path, len, name) || len == size)
        return NULL;
    size_t rest = one ? strcspn(path + size, "/?") : len - size;
    *ret_len = rest;
    return rest > 0 ? path + size : NULL;
}

const char *route_model(const struct route *route, size_t *ret_len)
{
    size_t len;
    const char *path = route_path(route, &len);
    const char *model = behind(path, len, "/models/", false, ret_len);
    if (model == NULL)
        return behind(path, len, "/deployments/", true, ret_len);
    const char *colon = memrchr(model, ':', *ret_len);
    if (colon != NULL && colon > model && memchr(colon, '/', *ret_len - (size_t)(colon - model)) == NULL &&
        colon[1] >= 'a' && colon[1] <= 'z' && gemini_method(colon + 1, *ret_len - (size_t)(colon + 1 - model)))
        *ret_len = (size_t)(colon - model);
    return model;
}

void route_cut_model(struct route *route, struct bytes *target, size_t count)
{
    size_t len;
    size_t cut = 0;
    const char *model = route_model(route, &len);
    while (model != NULL && count-- > 0 && cut < len)
        (void)decoded_at(model, len, &cut);
    if (model == NULL || cut == 0)
        return;
    size_t at = (size_t)(model - bytes_at(target));
    memmove(bytes_at(target) + at, model + cut, bytes_len(target) - at - cut);
    target->end -= cut;
    route->rest_len -= cut;
    route->query = route->query == NULL ? NULL : route->query - cut;
}

bool route_set_model(struct route *route, struct bytes *target, const char *model)
{
    size_t len;
    const char *old = route_model(route, &len);
    struct bytes changed = {0};
    if (old == NULL)
        return true;
    size_t before = (size_t)(old - bytes_at(target));
    bool good = bytes_add(&changed, bytes_at(target), before) && route_encode(model, &changed) &&
                bytes_add(&changed, old + len, bytes_len(target) - before - len);
    bytes_finish(good ? target : &changed);
    if (good)
        *target = changed;
    return good && route_parse(bytes_at(target), route) == 0;
}

/* `v1beta`, `v1alpha` and what follows them are Google's. */
static bool is_googles(const struct route *route)
{
    return route->version_len > 3 && (begins(route->rest + 3, route->version_len - 3, "beta") ||
                                      begins(route->rest + 3, route->version_len - 3, "alpha"));
}

/* The path behind its version, and behind the "/openai" that Gemini has for OpenAI's dialect. */
static const char *dialect_path(const struct route *route, size_t *ret_len)
{
    const char *path = route_path(route, ret_len);
    bool openai = is_googles(route) && begins(path, *ret_len, "/openai/");
    *ret_len -= openai ? 7 : 0;
    return openai ? path + 7 : path;
}

enum dialect route_dialect(const struct route *route)
{
    static const char *const openai[] = {"/chat/completions", "/completions", "/responses",   "/embeddings",
                                         "/images/",          "/audio/",      "/moderations", NULL};
    size_t len;
    size_t whole;
    const char *path = dialect_path(route, &len);
    if (route->azure)
        return DIALECT_OPENAI;
    if (begins(path, len, "/messages") && (len == 9 || path[9] == '/'))
        return DIALECT_ANTHROPIC;
    if (len == 9 && begins(path, len, "/complete"))
        return DIALECT_ANTHROPIC;
    if (begins(path, len, "/models/") && memrchr(path, ':', len) != NULL) {
        const char *method = (const char *)memrchr(path, ':', len) + 1;
        if (gemini_method(method, len - (size_t)(method - path)))
            return DIALECT_GEMINI;
    }
    for (size_t i = 0; openai[i] != NULL; i++)
        if (begins(path, len, openai[i]))
            return DIALECT_OPENAI;
    if (path != route_path(route, &whole))
        return DIALECT_OPENAI;
    return is_googles(route) ? DIALECT_GEMINI : DIALECT_ANY;
}

static bool part_ends(struct url_part part, const char *end)
{
    size_t size = strlen(end);
    return part.len >= size && memcmp(part.text + part.len - size, end, size) == 0;
}

enum dialect route_speaks(const char *base_url, const char *auth)
{
    struct url url;
    bool split = url_split(base_url, &url);
    if (strcmp(auth, "x-api-key") == 0 || (split && (part_ends(url.path, "/anthropic"))))
        return DIALECT_ANTHROPIC;
    return strcmp(auth, "x-goog-api-key") == 0 && split && !part_ends(url.path, "/openai") ? DIALECT_GEMINI
                                                                                           : DIALECT_OPENAI;
}

const char *route_dialect_name(enum dialect dialect)
{
    static const char *const names[] = {"any", "OpenAI", "Anthropic", "Gemini"};
    return names[dialect];
}

/* Gemini has OpenAI's dialect beside its own, below "/openai"; its own version is never "v1". */
static bool asks_geminis_openai(const char *base_url, const char *auth, const struct route *route)
{
    enum dialect dialect = route_dialect(route);
    bool v1 = route->version_len == 3 && memcmp(route->rest, "/v1", 3) == 0;
    return route_speaks(base_url, auth) == DIALECT_GEMINI &&
           (dialect == DIALECT_OPENAI || (dialect == DIALECT_ANY && v1));
}

/* Anthropic itself serves OpenAI's chats, too. */
static bool is_anthropic(const char *base_url)
{
    struct url url;
    return url_split(base_url, &url) && part_ends(url.host, "api.anthropic.com");
}

/* The part of PATH before a version at its end. */
static struct url_part without_version(struct url_part path)
{
    const char *last = path.len == 0 ? NULL : memrchr(path.text, '/', path.len);
    size_t left = last == NULL ? 0 : (size_t)(path.text + path.len - last);
    if (left > 0 && version_at(last, left) == left)
        path.len -= left;
    return path;
}

static bool prefix_fits(const char *base_url, const struct route *route)
{
    struct url url;
    bool split = url_split(base_url, &url);
    struct url_part azure = without_version(url.path);
    if (route->azure && !(split && (url.path.len == 0 || part_ends(azure, "/openai"))))
        return false;  /* nothing else leads upwards */
    if (route->upload) /* its base URL has a version and nothing else */
        return split && without_version(url.path).len == 0;
    if (route->prefix_len == 0)
        return true;
    if (!split || !begins(url.path.text, url.path.len, "/") || route->prefix_len > url.path.len ||
        memcmp(url.path.text, route->prefix, route->prefix_len) != 0)
        return false;
    size_t left = url.path.len - route->prefix_len;
    return left == 0 || version_at(url.path.text + route->prefix_len, left) == left;
}

int route_fits(const char *base_url, const char *auth, const struct route *route)
{
    enum dialect wanted = route_dialect(route);
    enum dialect spoken = route_speaks(base_url, auth);
    if (!prefix_fits(base_url, route))
        return -ENOENT;
    if (route->upload && spoken != DIALECT_GEMINI)
        return -EPROTONOSUPPORT;
    bool knows = wanted == DIALECT_ANY || wanted == spoken || spoken == DIALECT_OPENAI ||
                 (wanted == DIALECT_OPENAI && (spoken == DIALECT_GEMINI || is_anthropic(base_url)));
    return knows ? 0 : -EPROTONOSUPPORT;
}

const char *route_auth(const char *base_url, const char *auth, const struct route *route)
{
    return asks_geminis_openai(base_url, auth, route) ? "bearer" : auth;
}

bool route_resells(const char *provider)
{
    for (size_t i = 0; resellers[i] != NULL; i++)
        if (strcmp(resellers[i], provider) == 0)
            return true;
    return false;
}

const struct hermes_model_alias *route_alias(const struct hermes_view *view, const char *name)
{
    const struct hermes_model_alias *alias = NULL;
    for (size_t i = 0; *name != '\0' && (alias = hermes_model_alias(view, i)) != NULL; i++)
        if (strcasecmp(alias->name, name) == 0)
            return alias;
    return NULL;
}

const struct hermes_provider *route_by_model(const struct hermes_view *view, const char *model, size_t len,
                                             size_t *ret_model)
{
    const char *slash = memchr(model, '/', len);
    const char *first = hermes_default_provider(view);
    char name[PROVIDER_NAME_SIZE];
    if (slash == NULL || slash == model || (size_t)(slash - model) >= sizeof name || slash + 1 == model + len)
        return NULL;
    (void)snprintf(name, sizeof name, "%.*s", (int)(slash - model), model);
    if (first != NULL && route_resells(first) && strncmp(name, "custom:", 7) != 0) /* no maker is called so */
        return NULL;
    const struct hermes_provider *provider = hermes_provider(view, name);
    if (provider != NULL)
        *ret_model = (size_t)(slash + 1 - model);
    return provider;
}

const struct hermes_provider *route_by_dialect(const struct hermes_view *view, enum dialect wanted,
                                               const struct hermes_provider *usual)
{
    bool lacks = usual == NULL || route_speaks(usual->base_url, usual->auth) != wanted;
    if (wanted == DIALECT_ANY || wanted == DIALECT_OPENAI || !lacks || (usual != NULL && route_resells(usual->id)))
        return usual;
    for (size_t i = 0; i < hermes_provider_count(view); i++) {
        const struct hermes_provider *provider = hermes_provider_at(view, i);
        if (provider->credential_count > 0 && route_speaks(provider->base_url, provider->auth) == wanted)
            return provider;
    }
    return usual;
}

static bool is_azure(const char *base_url)
{
    struct url url;
    return url_split(base_url, &url) &&
           (part_ends(without_version(url.path), "/openai") || part_ends(url.host, ".azure.com"));
}

const struct hermes_provider *route_by_path(const struct hermes_view *view, const struct route *route,
                                            const struct hermes_provider *usual)
{
    bool azure = route->azure;
    if ((!azure && route->prefix_len == 0) || (usual != NULL && route_fits(usual->base_url, usual->auth, route) == 0))
        return usual;
    const struct hermes_provider *found = NULL;
    for (size_t i = 0; i < hermes_provider_count(view); i++) {
        const struct hermes_provider *provider = hermes_provider_at(view, i);
        if (provider->credential_count == 0 || (azure && !is_azure(provider->base_url)) ||
            route_fits(provider->base_url, provider->auth, route) != 0)
            continue;
        if (found != NULL) /* whose company was meant? */
            return usual;
        found = provider;
    }
    return found != NULL ? found : usual;
}

/* An Anthropic base URL has no version at its end, and its clients bring one; an OpenAI one has it, or wants none. */
static bool wants_version(struct url_part path, const char *base_url, const char *auth, const struct route *route)
{
    const char *last = path.len == 0 ? NULL : memrchr(path.text, '/', path.len);
    if (last != NULL && version_at(last, (size_t)(path.text + path.len - last)) > 0)
        return false;
    return route_speaks(base_url, auth) == DIALECT_ANTHROPIC || route_dialect(route) == DIALECT_ANTHROPIC;
}

/* The client's own key, under a name that some provider's clients give it. */
static bool is_credential(const char *parameter, size_t len)
{
    static const char *const names[] = {"key", "api_key", "api-key", "apikey", "access_token", "token", NULL};
    const char *equals = memchr(parameter, '=', len);
    char name[16];
    if (equals == NULL || !route_decode(parameter, (size_t)(equals - parameter), name, sizeof name))
        return false;
    for (size_t i = 0; names[i] != NULL; i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

/* The queries of the base URL and of the client, whose key is not for the provider. */
static bool add_query(struct url_part own, const char *query, struct bytes *out)
{
    char separator = '?';
    if (own.len > 0) {
        if (!bytes_add(out, "?", 1) || !bytes_add(out, own.text, own.len))
            return false;
        separator = '&';
    }
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
    struct url url;
    if (!url_split(base_url, &url)) /* nobody can be asked there, which libcurl says */
        url = (struct url){.path = {base_url + strlen(base_url), 0}, .query = {base_url + strlen(base_url), 0}};
    struct url_part base_path = route->azure ? without_version(url.path) : url.path;
    size_t base_len = (size_t)(url.path.text - base_url) + base_path.len;
    bool wants = wants_version(url.path, base_url, auth, route);
    size_t skip = wants ? 0 : route->version_len;
    bool openai = asks_geminis_openai(base_url, auth, route);
    size_t len;
    size_t own;
    const char *path = route_path(route, &len);
    bool there = dialect_path(route, &own) != path || begins(path, len, "/openai/");
    bool azure = route->azure && url.path.len == 0;
    if (begins(path, len, "/openai/") && part_ends(url.path, "/openai"))
        skip = route->version_len + strlen("/openai");
    size_t origin = route->upload ? (size_t)(url.path.text - base_url) : 0; /* which "/upload" follows */
    return bytes_add(out, base_url, origin) && (!route->upload || bytes_add(out, "/upload", 7)) &&
           bytes_add(out, base_url + origin, base_len - origin) &&
           ((!azure && (!openai || there)) || bytes_add(out, "/openai", 7)) &&
           (!route->bare || !wants || bytes_add(out, "/v1", 3)) &&
           bytes_add(out, route->rest + skip, route->rest_len - skip) && add_query(url.query, route->query, out) &&
           bytes_add(out, "", 1);
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
