#include "egress.h"

#include <stddef.h>
#include <strings.h>

struct egress egress_to(const char *url, const char *(*get)(const void *source, const char *name), const void *source)
{
    static const char *const https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
    static const char *const http[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", NULL};
    static const char *const none[] = {"no_proxy", "NO_PROXY", NULL};
    static const char *const certificates[] = {"SSL_CERT_FILE", NULL};
    const char *const *const wanted[] = {strncasecmp(url, "https:", 6) == 0 ? https : http, none, certificates};
    const char *found[3] = {NULL, NULL, NULL};
    for (size_t i = 0; i < 3; i++)
        for (const char *const *name = wanted[i]; found[i] == NULL && *name != NULL; name++) {
            found[i] = get(source, *name);
            if (found[i] != NULL && *found[i] == '\0')
                found[i] = NULL;
        }
    return (struct egress){.proxy = found[0], .no_proxy = found[1], .ca_file = found[2]};
}
