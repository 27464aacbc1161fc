#include "url_check.h"

#include <string.h>
#include <strings.h>

#include "endpoint.h"
#include "host_owner.h"
#include "key_check.h"
#include "url.h"

/* Hermes takes these, and no request arrives. */
static void check_parts(struct diagnostics *diagnostics, struct place place, const char *url)
{
    struct url parts;
    struct diagnostic *d = NULL;
    bool http = strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
    if (strchr(url, '{') != NULL)
        return;
    if (!http && strncasecmp(url, "acp", 3) != 0) {
        d = diagnostic_add_as(diagnostics, SEVERITY_WARNING, CODE_URL_WITHOUT_SCHEME, place,
                              "this is not an http or https URL");
        diagnostic_help(diagnostics, d, "write https:// before the host");
    } else if (strpbrk(url, " \t") != NULL) {
        d = diagnostic_add_as(diagnostics, SEVERITY_WARNING, CODE_URL_WITHOUT_SCHEME, place,
                              "this URL contains a space");
        diagnostic_help(diagnostics, d, "remove it");
    } else if (!url_split(url, &parts)) {
        d = diagnostic_add_as(diagnostics, SEVERITY_WARNING, CODE_URL_WITHOUT_SCHEME, place,
                              "this URL has a host or a port that cannot exist");
        diagnostic_help(diagnostics, d, "write https://HOST/PATH or https://HOST:PORT/PATH");
    }
}

void url_check(struct diagnostics *diagnostics, struct place place, const char *url, const struct provider_row *row)
{
    const char *request = endpoint_request(url);
    const struct provider_row *owner =
        row == NULL || row->auth == PROVIDER_CUSTOM || endpoint_is_local(url) ? NULL : host_owner(url, row);
    if (key_check_is_unclosed(url, strlen(url)))
        diagnostic_help(
            diagnostics,
            diagnostic_add(diagnostics, CODE_UNCLOSED_REFERENCE, place, "this base URL has a ${ that is not closed"),
            "close it with }");
    if (strstr(url, "${") != NULL)
        return; /* what is wrong with another reference was said */
    if (!endpoint_plausible(url)) {
        struct diagnostic *d =
            diagnostic_add(diagnostics, CODE_URL_WITHOUT_SCHEME, place, "this is not a URL with scheme and host");
        diagnostic_help(diagnostics, d, "%s", endpoint_advice(url));
        return;
    }
    check_parts(diagnostics, place, url);
    if (strncasecmp(url, "http://", 7) == 0 && !endpoint_is_local(url)) {
        struct diagnostic *d =
            diagnostic_add(diagnostics, CODE_PLAIN_HTTP, place,
                           "the key is sent over the internet without encryption: anyone on the way can read it");
        diagnostic_help(diagnostics, d, "write https://");
    }
    if (request != NULL) {
        struct diagnostic *d = diagnostic_add(diagnostics, CODE_URL_WITH_REQUEST, place,
                                              "this base URL ends in %s, which each request appends again", request);
        diagnostic_help(diagnostics, d, "remove %s from its end", request);
    }
    if (owner != NULL) {
        struct diagnostic *d = diagnostic_add(diagnostics, CODE_FOREIGN_URL, place,
                                              "the key of %s would be sent to a host of %s", row->id, owner->id);
        diagnostic_help(diagnostics, d, "remove this base_url, or name %s as the provider", owner->id);
    }
}
