#include "egress.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

struct egress egress_to(const char *url, const char *(*get)(const void *source, const char *name), const void *source)
{
    static const char *const https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
    static const char *const http[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", NULL};
    static const char *const none[] = {"no_proxy", "NO_PROXY", NULL};
    static const char *const certificates[] = {"HERMES_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
                                               "CURL_CA_BUNDLE", NULL};
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

const char *egress_ca_file(const char *file, char out[PATH_MAX])
{
    const char *home = strncmp(file, "~/", 2) == 0 ? getenv("HOME") : NULL;
    int len = snprintf(out, PATH_MAX, "%s%s", home != NULL ? home : "", home != NULL ? file + 1 : file);
    struct stat st;
    return len > 0 && len < PATH_MAX && stat(out, &st) == 0 && S_ISREG(st.st_mode) ? out : NULL;
}
