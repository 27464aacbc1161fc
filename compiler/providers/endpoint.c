#include "endpoint.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "blank.h"
#include "url.h"

#define SCHEME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-."

const char *endpoint_trimmed(struct arena *arena, const char *url)
{
    size_t len;
    url = blank_strip(url, strlen(url), &len);
    while (len > 0 && url[len - 1] == '/')
        len--;
    return arena_prefix(arena, url, len);
}

bool endpoint_plausible(const char *url)
{
    const char *scheme = strstr(url, "://");
    if (strchr(url, '{') != NULL && strchr(url, '}') != NULL)
        return true;
    return scheme != NULL && isalpha((unsigned char)*url) && strspn(url, SCHEME_LETTERS) == (size_t)(scheme - url) &&
           strchr("/?#", scheme[3]) == NULL;
}

const char *endpoint_advice(const char *url)
{
    url += strspn(url, " \t");
    if (strchr("\"'<(", *url) != NULL && *url != '\0')
        return "remove the quotes or brackets around it";
    if (strcasecmp(url, "http://") == 0 || strcasecmp(url, "https://") == 0)
        return "add the host";
    if (strncasecmp(url, "http", 4) == 0)
        return "write https://, with a colon and two slashes";
    return endpoint_is_local(url) ? "write http:// before it" : "write https:// before it";
}

const char *endpoint_host(const char *text, size_t *ret_len)
{
    struct url url;
    if (url_split(text, &url)) {
        *ret_len = url.host.len;
        return url.host.text;
    }
    *ret_len = strcspn(text, ":/?#");
    return text;
}

static bool is_in_domain(const char *host, size_t len, const char *domain)
{
    size_t tail = strlen(domain);
    return len >= tail && strncasecmp(host + len - tail, domain, tail) == 0 &&
           (len == tail || host[len - tail - 1] == '.');
}

bool endpoint_host_is(const char *url, const char *domain)
{
    size_t len;
    const char *host = endpoint_host(url, &len);
    return is_in_domain(host, len, domain);
}

const char *endpoint_request(const char *url)
{
    static const char *const requests[] = {"/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages",
                                           "/v1/embeddings",    "/v1/models",      "/api/generate", "/api/chat"};
    size_t len = strcspn(url, "?#");
    while (len > 0 && url[len - 1] == '/')
        len--;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        size_t tail = strlen(requests[i]);
        if (len > tail && strncasecmp(url + len - tail, requests[i], tail) == 0)
            return strncmp(requests[i], "/v1/", 4) == 0 ? requests[i] + 3 : requests[i];
    }
    return NULL;
}

static bool local_ipv4(const unsigned char *a)
{
    return a[0] == 0 || a[0] == 10 || a[0] == 127 || (a[0] == 169 && a[1] == 254) || (a[0] == 192 && a[1] == 168) ||
           (a[0] == 172 && (a[1] & 0xF0) == 16) || (a[0] == 100 && (a[1] & 0xC0) == 64);
}

/* Loopback, unique local fc00::/7, link-local fe80::/10, and an IPv4 address in the shape of IPv6. */
static bool local_ipv6(const unsigned char *a)
{
    static const unsigned char loopback[16] = {[15] = 1};
    static const unsigned char any[16] = {0};
    static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    if (memcmp(a, mapped, sizeof mapped) == 0)
        return local_ipv4(a + sizeof mapped);
    return memcmp(a, loopback, sizeof loopback) == 0 || memcmp(a, any, sizeof any) == 0 || (a[0] & 0xFE) == 0xFC ||
           (a[0] == 0xFE && (a[1] & 0xC0) == 0x80);
}

bool endpoint_is_local(const char *url)
{
    static const char *const endings[] = {"localhost", "local", "lan", "internal", "home.arpa", "home", "intranet"};
    char name[256];
    unsigned char address[16];
    size_t len;
    const char *host = endpoint_host(url, &len);
    while (len > 0 && host[len - 1] == '.')
        len--;
    if (len == 0 || len >= sizeof name)
        return false;
    memcpy(name, host, len);
    name[len] = '\0';
    if (inet_pton(AF_INET, name, address) == 1)
        return local_ipv4(address);
    name[strcspn(name, "%")] = '\0'; /* an interface */
    if (inet_pton(AF_INET6, name, address) == 1)
        return local_ipv6(address);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (is_in_domain(host, len, endings[i]))
            return true;
    return memchr(host, '.', len) == NULL && memchr(host, ':', len) == NULL;
}
