/* Which way a request takes: through the proxy that the env files name, as Hermes's own requests do. The process
 * environment is not asked: it is no source. */
#ifndef HERMES_HTTP_ROUTE_H
#define HERMES_HTTP_ROUTE_H

#include "arena.h"
#include "dotenv.h"

/* `"proxy":..., "no_proxy":..., "ca_file":...` of a request to URL, inside an object that is open: HTTPS_PROXY or
 * HTTP_PROXY, else ALL_PROXY; NO_PROXY, and this machine itself in any case; SSL_CERT_FILE. */
void http_route_json(struct text *out, const struct environment *environment, const char *url);

#endif
