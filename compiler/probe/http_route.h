/* Which way a request leaves (egress.h), as hermes-http is told. */
#ifndef HERMES_HTTP_ROUTE_H
#define HERMES_HTTP_ROUTE_H

#include "text.h"
#include "environment.h"

/* `"proxy":..., "no_proxy":..., "ca_file":...` of a request to URL, inside an object that is open. CA_FILE: that of its
 * provider; NULL: it has none of its own. */
void http_route_json(struct text *out, const struct environment *environment, const char *url, const char *ca_file);

#endif
