/* Which way a request leaves: through the proxy that the env files name, as Hermes's own requests do. The process
 * environment is not asked: it is no source. */
#ifndef HERMES_EGRESS_H
#define HERMES_EGRESS_H

#include <limits.h>
#include <stdbool.h>

struct egress {
    const char *proxy;    /* NULL: none */
    const char *no_proxy; /* a list of hosts, besides EGRESS_DIRECT; NULL: none */
    const char *ca_file;  /* certificates to trust instead of the system's; NULL: those */
    bool unverified;      /* the configuration wants no certificate checked */
};
#define EGRESS_DIRECT "localhost,127.0.0.1,::1" /* this machine itself needs no proxy */

/* GET: the value of a variable of the env files; NULL: not set. HTTPS_PROXY or HTTP_PROXY by URL, else ALL_PROXY;
 * NO_PROXY; HERMES_CA_BUNDLE, SSL_CERT_FILE, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE. */
struct egress egress_to(const char *url, const char *(*get)(const void *source, const char *name), const void *source);
/* Where the certificates of a `ca_file` are, in OUT: "~/" is the user's home. NULL: there is no such file, and Hermes
 * then trusts the system's. */
const char *egress_ca_file(const char *file, char out[PATH_MAX]);

#endif
