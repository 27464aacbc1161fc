#include "guard.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "relay.h"

#define COOKIE_NAME "hermes_relay="

static bool token_character(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* The server joins a folded line with what stands before it, somewhere else in memory. A name directly in front of its
 * value was one line. */
static bool on_one_line(const char *name, size_t name_len, const char *value)
{
    uintptr_t after = (uintptr_t)name + name_len + 1;
    uintptr_t at = (uintptr_t)value;
    if (at < after || at - after > 256)
        return false;
    for (const char *c = (const char *)after; c < value; c++)
        if (*c != ' ' && *c != '\t')
            return false;
    return true;
}

static bool well_formed(const char *name, size_t name_len, const char *value, size_t value_len)
{
    for (size_t i = 0; i < name_len; i++)
        if (!token_character((unsigned char)name[i]))
            return false;
    for (size_t i = 0; i < value_len; i++)
        if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 127)
            return false;
    return name_len > 0;
}

/* The server ends a value at a NUL, too, and another reader may not: so the next line begins right behind the value and
 * its line end, where the server has put one or two NULs, after blanks that it left out. */
static bool follows(const struct request_head *head, const char *name)
{
    if (head->end == NULL)
        return true;
    if (name <= head->end)
        return false;
    size_t between = (size_t)(name - head->end);
    size_t blanks = 0;
    while (blanks < between && (head->end[blanks] == ' ' || head->end[blanks] == '\t'))
        blanks++;
    return between - blanks == 1 ? head->end[blanks] == '\0'
                                 : between - blanks == 2 && head->end[blanks] == '\0' && head->end[blanks + 1] == '\0';
}

/* Where a header that counts here is noted: in a text of a request_head, and how often it was there. */
static const struct place {
    const char *name;
    size_t len;
    size_t text;
    size_t count; /* 0: no matter */
    bool once;
} places[] = {
#define PLACE(name, text, ...)                                                                                         \
    {                                                                                                                  \
        name, sizeof name - 1, offsetof(struct request_head, text), __VA_ARGS__                                        \
    }
    PLACE("host", host, 0, true),
    PLACE("origin", origin, 0, true),
    PLACE("authorization", authorization, 0, false),
    PLACE("x-api-key", x_api_key, 0, false),
    PLACE("api-key", api_key, 0, false),
    PLACE("x-goog-api-key", x_goog_api_key, 0, false),
    PLACE("cookie", cookie, 0, false),
    PLACE("connection", connection, offsetof(struct request_head, connections), false),
    PLACE("idempotency-key", idempotency_key, 0, false),
    PLACE("x-idempotency-key", idempotency_key, 0, false),
    PLACE("content-length", content_length, offsetof(struct request_head, lengths), false),
    PLACE("transfer-encoding", transfer_encoding, offsetof(struct request_head, encodings), false),
    PLACE("upgrade", upgrade, 0, false),
    PLACE("accept", accept, 0, false),
    PLACE(HOP_HEADER, relayed, 0, false),
    PLACE("anthropic-version", anthropic_version, 0, false),
    PLACE("access-control-request-method", asked_method, 0, true),
    PLACE("access-control-request-headers", asked_headers, 0, true),
#undef PLACE
};

static const struct place *place_of(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (places[i].len == len && strcasecmp(places[i].name, name) == 0)
            return &places[i];
    return NULL;
}

void guard_note(struct request_head *head, const char *name, size_t name_len, const char *value, size_t value_len)
{
    if (value == NULL || !well_formed(name, name_len, value, value_len) ||
        (!head->lines_checked && (!on_one_line(name, name_len, value) || !follows(head, name)))) {
        head->malformed = true;
        return;
    }
    head->end = value + value_len;
    head->bytes += name_len + value_len + HEADER_COST;
    const struct place *place = place_of(name, name_len);
    if (place == NULL)
        return;
    const char **text = (const char **)(void *)((char *)head + place->text);
    if (place->once && *text != NULL)
        head->malformed = true;
    *text = value;
    if (place->count != 0)
        ++*(unsigned *)(void *)((char *)head + place->count);
}

/* The same behind the last one, where the blank line stands. */
static bool ends_well(const char *end)
{
    while (*end == ' ' || *end == '\t')
        end++;
    return end[0] == '\0' && (end[1] == '\0' || end[1] == '\r' || end[1] == '\n');
}

struct refusal guard_framing(const struct request_head *head, const char *method, long long *ret_length)
{
    if (head->malformed || (!head->lines_checked && head->end != NULL && !ends_well(head->end)))
        return (struct refusal){400, "a header is malformed, folded, or given twice"};
    if (head->bytes > REQUEST_HEADERS_LIMIT)
        return (struct refusal){431, "the request's headers are larger than 24 KiB"};
    if (head->upgrade != NULL && strcasestr(head->upgrade, "websocket") != NULL)
        return (struct refusal){426, "WebSocket is not supported; use plain HTTP"};
    if (head->connections > 1)
        return (struct refusal){400, "the Connection header is given twice"};
    if (head->lengths + head->encodings > 1)
        return (struct refusal){400, "the body's length is given twice"};
    if (head->encodings == 1 && strcasecmp(head->transfer_encoding, "chunked") != 0)
        return (struct refusal){501, "the only supported transfer encoding is chunked"};
    if (strcmp(method, "CONNECT") == 0 || strcmp(method, "TRACE") == 0)
        return (struct refusal){405, "this method is not supported"};
    long long length = head->encodings == 1 ? -1 : 0;
    if (head->lengths == 1) {
        size_t digits = strspn(head->content_length, "0123456789");
        if (digits == 0 || digits > 18 || head->content_length[digits] != '\0')
            return (struct refusal){400, "the body's length is not a number"};
        length = strtoll(head->content_length, NULL, 10);
    }
    *ret_length = length;
    return (struct refusal){0};
}

static const char *in_list(const struct option_list *list, const char *name)
{
    for (size_t i = 0; name != NULL && i < list->count; i++)
        if (strcasecmp(list->items[i], name) == 0)
            return list->items[i];
    return NULL;
}

static bool is_address(const char *name)
{
    unsigned char address[16];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/* A page of another site whose name resolves to this machine still sends its own name here. With --allow-remote names
 * are allowed: such a page has no token. */
static bool host_is_ours(const struct relay *relay, const char *host)
{
    char name[256];
    bool bracketed = host[0] == '[';
    size_t len = bracketed ? strcspn(host + 1, "]") : strcspn(host, ":");
    const char *port = host + len + 2 * bracketed;
    if (len == 0 || len >= sizeof name || (bracketed && host[len + 1] != ']') ||
        (*port != '\0' && (*port != ':' || strspn(port + 1, "0123456789") != strlen(port + 1))))
        return false;
    memcpy(name, host + bracketed, len);
    name[len] = '\0';
    if (strcasecmp(name, "localhost") == 0 || strcasecmp(name, relay->host) == 0 ||
        in_list(&relay->hosts, name) != NULL)
        return true;
    if (bracketed && !is_address(name))
        return false;
    return relay->allow_remote || (is_address(name) && (strncmp(name, "127.", 4) == 0 || strcmp(name, "::1") == 0));
}

/* "http://" and what the request calls this host. */
static bool same_origin(const struct request_head *head)
{
    return strncasecmp(head->origin, "http://", 7) == 0 && head->host != NULL &&
           strcasecmp(head->origin + 7, head->host) == 0;
}

static bool has_token(const struct relay *relay, const struct request_head *head)
{
    const char *bearer = head->authorization;
    if (bearer != NULL && strncasecmp(bearer, "Bearer ", 7) == 0 &&
        token_is(relay->token.text, bearer + 7, strlen(bearer + 7)))
        return true;
    const char *const values[] = {head->x_api_key, head->x_goog_api_key, head->api_key};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (values[i] != NULL && token_is(relay->token.text, values[i], strlen(values[i])))
            return true;
    return false;
}

static bool has_cookie(const struct relay *relay, const char *cookies)
{
    for (const char *at = cookies; at != NULL && (at = strstr(at, COOKIE_NAME)) != NULL; at++) {
        const char *value = at + strlen(COOKIE_NAME);
        if ((at == cookies || at[-1] == ' ' || at[-1] == ';') &&
            token_is(relay->token.cookie, value, strcspn(value, "; ")))
            return true;
    }
    return false;
}

const char *guard_allowed_origin(const struct relay *relay, const struct request_head *head)
{
    return in_list(&relay->origins, head->origin);
}

bool guard_token_in_query(const struct relay *relay, const char *target)
{
    return strncmp(target, "/?token=", 8) == 0 && token_is(relay->token.text, target + 8, strlen(target + 8));
}

struct refusal guard_admit(const struct relay *relay, const struct request_head *head, enum guarded what, bool trusted)
{
    bool allowed = head->origin == NULL || guard_allowed_origin(relay, head) != NULL;
    if (!allowed && (what == GUARDED_PROVIDERS || !same_origin(head)))
        return (struct refusal){403, "web pages may not use the relay; --allow-origin allows one"};
    if (!trusted && (head->host == NULL || !host_is_ours(relay, head->host)))
        return (struct refusal){403, "the Host header names another machine; --allow-host allows a name"};
    if (head->relayed != NULL && strstr(head->relayed, relay->hop) != NULL)
        return (struct refusal){508, "this request has come through this relay already: a provider's base URL leads "
                                     "back to it"};
    if (trusted || what == GUARDED_NOTHING || has_token(relay, head) ||
        (what != GUARDED_PROVIDERS && has_cookie(relay, head->cookie)))
        return (struct refusal){0};
    return (struct refusal){401, "send the token in compiled/relay.token as the API key"};
}
