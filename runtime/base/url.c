#include "url.h"

#include <string.h>

static struct url_part part(const char *from, const char *to)
{
    return (struct url_part){from, (size_t)(to - from)};
}

static void split_authority(const char *at, const char *end, struct url *ret)
{
    const char *host = memrchr(at, '@', (size_t)(end - at));
    ret->credentials = host == NULL ? part(at, at) : part(at, host);
    host = host == NULL ? at : host + 1;
    ret->authority = part(host, end);
    const char *bracket = *host == '[' ? memchr(host, ']', (size_t)(end - host)) : NULL;
    const char *from = bracket != NULL ? bracket : host;
    const char *colon = memchr(from, ':', (size_t)(end - from));
    ret->host = bracket != NULL ? part(host + 1, bracket) : part(host, colon != NULL ? colon : end);
    ret->port = colon != NULL ? part(colon + 1, end) : part(end, end);
}

bool url_split(const char *text, struct url *ret)
{
    const char *colon = strstr(text, "://");
    if (colon == NULL || colon == text)
        return false;
    const char *at = colon + 3;
    const char *end = at + strcspn(at, "/?#");
    ret->scheme = part(text, colon);
    split_authority(at, end, ret);
    const char *path = end + strcspn(end, "?#");
    const char *query = *path == '?' ? path + 1 : path;
    ret->query = part(query, query + strcspn(query, "#"));
    while (path > end && path[-1] == '/')
        path--;
    ret->path = part(end, path);
    return ret->host.len > 0;
}
