#include "http_route.h"

#include <string.h>
#include <strings.h>

#include "json_write.h"

/* The value of the first variable that is set to something; NULL when none is. */
static const char *first_set(const struct environment *environment, const char *const *names)
{
    for (; *names != NULL; names++) {
        const struct binding *binding = environment_get(environment, *names);
        if (binding != NULL && binding->len > 0)
            return binding->value;
    }
    return NULL;
}

void http_route_json(struct text *out, const struct environment *environment, const char *url)
{
    static const char *const https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
    static const char *const http[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", NULL};
    static const char *const none[] = {"no_proxy", "NO_PROXY", NULL};
    static const char *const certificates[] = {"SSL_CERT_FILE", NULL};
    const char *proxy = first_set(environment, strncasecmp(url, "https:", 6) == 0 ? https : http);
    const char *without = first_set(environment, none);
    const char *ca_file = first_set(environment, certificates);
    if (ca_file != NULL)
        json_put_member(out, "ca_file", ca_file);
    if (proxy == NULL)
        return;
    json_put_member(out, "proxy", proxy);
    if (without != NULL && strcmp(without, "*") == 0)
        json_put_member(out, "no_proxy", "*");
    else
        json_put_member(out, "no_proxy",
                        arena_printf(out->arena, "localhost,127.0.0.1,::1%s%s", without != NULL ? "," : "",
                                     without != NULL ? without : ""));
}
