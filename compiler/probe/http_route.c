#include "http_route.h"

#include <string.h>

#include "egress.h"
#include "json_write.h"

static const char *value_of(const void *environment, const char *name)
{
    const struct binding *binding = environment_get(environment, name);
    return binding == NULL ? NULL : binding->value;
}

void http_route_json(struct text *out, const struct environment *environment, const char *url, const char *ca_file)
{
    const struct egress egress = egress_to(url, value_of, environment);
    ca_file = ca_file != NULL ? ca_file : egress.ca_file;
    if (ca_file != NULL)
        json_write_member(out, "ca_file", ca_file);
    if (egress.proxy == NULL)
        return;
    json_write_member(out, "proxy", egress.proxy);
    if (egress.no_proxy != NULL && strcmp(egress.no_proxy, "*") == 0)
        json_write_member(out, "no_proxy", "*");
    else
        json_write_member(out, "no_proxy",
                          arena_printf(out->arena, EGRESS_DIRECT "%s%s", egress.no_proxy != NULL ? "," : "",
                                       egress.no_proxy != NULL ? egress.no_proxy : ""));
}
