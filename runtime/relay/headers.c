#include "headers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "key_header.h"
#include "reset_time.h"

/* Most names differ in their first letter; what is ours is written in small ones. */
static bool begins_alike(const char *ours, const char *name)
{
    return *ours == (*name | 0x20);
}

static bool listed(const char *const *names, const char *name, size_t len)
{
    for (size_t i = 0; len > 0 && names[i] != NULL; i++)
        if (begins_alike(names[i], name) && strlen(names[i]) == len && strncasecmp(names[i], name, len) == 0)
            return true;
    return false;
}

static bool prefixed(const char *prefix, const char *name, size_t len)
{
    if (len == 0 || !begins_alike(prefix, name))
        return false;
    size_t prefix_len = strlen(prefix);
    return len >= prefix_len && strncasecmp(prefix, name, prefix_len) == 0;
}

static bool named_by(const char *connection, const char *name, size_t len)
{
    while (connection != NULL && *connection != '\0') {
        connection += strspn(connection, ", \t");
        size_t token = strcspn(connection, ", \t");
        if (token == len && strncasecmp(connection, name, len) == 0)
            return true;
        connection += token;
    }
    return false;
}

/* RFC 9110, 7.6.1, and what was common before it. */
static bool of_connection(const char *name, size_t len, const char *connection)
{
    static const char *const names[] = {"connection",        "keep-alive", "te",       "trailer",
                                        "transfer-encoding", "upgrade",    "trailers", NULL};
    return listed(names, name, len) || prefixed("proxy-", name, len) || named_by(connection, name, len);
}

bool headers_go_up(const char *name, const char *connection)
{
    /* Credentials; what libcurl says itself; what would make an answer one that cannot be looked into; who asked. */
    static const char *const names[] = {
        "authorization",  "x-api-key", "api-key", "x-goog-api-key", "host",    "expect", "accept-encoding",
        "content-length", "forwarded", "via",     "origin",         "referer", NULL};
    size_t len = strlen(name);
    return !listed(names, name, len) && !prefixed("x-forwarded-", name, len) && !prefixed("x-hermes-", name, len) &&
           !prefixed("sec-fetch-", name, len) && !of_connection(name, len, connection);
}

bool headers_are_personal(const char *name)
{
    static const char *const names[] = {"cookie",
                                        "openai-organization",
                                        "openai-project",
                                        "x-openai-organization",
                                        "anthropic-organization-id",
                                        "anthropic-workspace-id",
                                        NULL};
    size_t len = strlen(name);
    return listed(names, name, len) || (prefixed("x-goog-", name, len) && !prefixed("x-goog-upload-", name, len));
}

bool headers_are_passed(const struct hermes_view *view, const char *name)
{
    char path[64];
    size_t len;
    for (int i = 0;; i++) {
        (void)snprintf(path, sizeof path, "hermes_watch.pass_headers.%d", i);
        const char *json = hermes_config(view, path, &len);
        if (json == NULL)
            return false;
        if (len == strlen(name) + 2 && strncasecmp(json + 1, name, len - 2) == 0)
            return true;
    }
}

bool headers_come_down(const char *name, size_t len, const char *connection)
{
    /* The length is told by the server; the others would speak for this host, which is not the provider's. */
    static const char *const names[] = {"content-length", "set-cookie", "alt-svc", "strict-transport-security", NULL};
    return !listed(names, name, len) && !prefixed("access-control-", name, len) && !prefixed("x-hermes-", name, len) &&
           !of_connection(name, len, connection);
}

bool headers_say_when(const char *name, size_t len)
{
    static const char *const names[] = {"retry-after", "retry-after-ms", "x-should-retry", NULL};
    return listed(names, name, len);
}

bool headers_are_upload_url(const char *name, size_t len)
{
    return len == sizeof HEADERS_UPLOAD_URL - 1 && strncasecmp(name, HEADERS_UPLOAD_URL, len) == 0;
}

bool headers_add(struct bytes *lines, const char *name, const char *value)
{
    /* libcurl takes "Name:" for "leave it out", and "Name;" for an empty one. */
    if (*value == '\0')
        return bytes_add(lines, name, strlen(name)) && bytes_add(lines, ";", 2);
    return bytes_add(lines, name, strlen(name)) && bytes_add(lines, ": ", 2) && bytes_add_string(lines, value);
}

static char *find_line(const struct bytes *lines, const char *name)
{
    size_t len = strlen(name);
    for (size_t at = lines->start; at < lines->end; at += strlen(lines->data + at) + 1)
        if (strncasecmp(lines->data + at, name, len) == 0 &&
            (lines->data[at + len] == ':' || lines->data[at + len] == ';'))
            return lines->data + at;
    return NULL;
}

const char *headers_line(const struct bytes *lines, const char *name)
{
    const char *line = find_line(lines, name);
    return line == NULL || line[strlen(name)] == ';' ? NULL : line + strlen(name) + 2;
}

void headers_remove(struct bytes *lines, const char *name)
{
    for (char *line; (line = find_line(lines, name)) != NULL;) {
        size_t size = strlen(line) + 1;
        memmove(line, line + size, (size_t)(lines->data + lines->end - line) - size);
        lines->end -= size;
    }
}

static bool has(const struct bytes *lines, const char *name)
{
    return find_line(lines, name) != NULL;
}

static bool configured(const struct hermes_provider *provider, const char *line)
{
    size_t len = strcspn(line, ":;");
    for (size_t i = 0; i < provider->header_count; i++)
        if (strlen(provider->headers[i].name) == len && strncasecmp(provider->headers[i].name, line, len) == 0)
            return true;
    return false;
}

/* A configured header must not be able to say two things at once, nor how long the body is. */
static bool well_formed(const struct hermes_header *header)
{
    static const char *const framing[] = {"content-length", "host", "expect", "accept-encoding", NULL};
    size_t len = strlen(header->name);
    return !listed(framing, header->name, len) && !of_connection(header->name, len, NULL) && header->name[0] != '\0' &&
           strpbrk(header->name, ":; \t\r\n") == NULL && strpbrk(header->value, "\r\n") == NULL;
}

/* One that is configured stands in its place. */
static bool add_key(const struct hermes_attempt *attempt, const char *auth, struct bytes *result)
{
    const char *secret = attempt->credential->secret;
    if (*secret == '\0') /* a server that needs no key */
        return true;
    const struct key_header key = key_header(auth, secret);
    if (has(result, key.name))
        return true;
    return (key.beta == NULL || headers_add(result, "anthropic-beta", key.beta)) &&
           bytes_add(result, key.name, strlen(key.name)) && bytes_add(result, ": ", 2) &&
           bytes_add(result, key.scheme, strlen(key.scheme)) && bytes_add_string(result, secret);
}

bool headers_for(const struct hermes_attempt *attempt, const char *auth, enum dialect dialect,
                 const struct bytes *lines, struct bytes *result)
{
    const struct hermes_provider *provider = attempt->provider;
    for (size_t at = lines->start; at < lines->end; at += strlen(lines->data + at) + 1)
        if (!configured(provider, lines->data + at) && !bytes_add_string(result, lines->data + at))
            return false;
    for (size_t i = 0; i < provider->header_count; i++)
        if (well_formed(&provider->headers[i]) &&
            !headers_add(result, provider->headers[i].name, provider->headers[i].value))
            return false;
    if (dialect == DIALECT_ANTHROPIC && !has(result, "anthropic-version") &&
        !headers_add(result, "anthropic-version", ANTHROPIC_VERSION))
        return false;
    /* What libcurl would say of its own accord and the client did not. */
    if ((!has(result, "accept") && !bytes_add_string(result, "Accept:")) ||
        (!has(result, "content-type") && !bytes_add_string(result, "Content-Type:")) ||
        !bytes_add_string(result, "Expect:"))
        return false;
    return add_key(attempt, auth, result);
}

bool headers_next(const struct bytes *headers, size_t *at, struct header_line *ret)
{
    while (*at < bytes_len(headers)) {
        const char *line = bytes_at(headers) + *at;
        const char *end = memchr(line, '\n', bytes_len(headers) - *at);
        size_t len = end == NULL ? bytes_len(headers) - *at : (size_t)(end - line);
        *at += len + (end != NULL);
        while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' ' || line[len - 1] == '\t'))
            len--;
        const char *colon = memchr(line, ':', len);
        if (colon == NULL || colon == line)
            continue;
        const char *value = colon + 1;
        while (value < line + len && (*value == ' ' || *value == '\t'))
            value++;
        *ret = (struct header_line){line, (size_t)(colon - line), value, (size_t)(line + len - value)};
        return true;
    }
    return false;
}

bool headers_say_nonsense(const struct header_line *line, double now)
{
    static const char *const seconds[] = {"retry-after", NULL};
    static const char *const milliseconds[] = {"retry-after-ms", NULL};
    bool ms = listed(milliseconds, line->name, line->name_len);
    return (ms || listed(seconds, line->name, line->name_len)) &&
           isnan(reset_time_parse(line->value, line->value_len, now, ms));
}

const char *headers_value(const struct bytes *headers, const char *name, char *buffer, size_t size)
{
    struct header_line line;
    size_t len = strlen(name);
    for (size_t at = 0; headers_next(headers, &at, &line);)
        if (line.name_len == len && strncasecmp(line.name, name, len) == 0 && line.value_len < size) {
            memcpy(buffer, line.value, line.value_len);
            buffer[line.value_len] = '\0';
            return buffer;
        }
    return NULL;
}
