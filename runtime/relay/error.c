#include "error.h"

#include <string.h>

static const char *type_of(int status)
{
    switch (status) {
    case 401:
        return "authentication_error";
    case 403:
        return "permission_error";
    case 404:
        return "not_found_error";
    case 413:
        return "request_too_large";
    case 429:
        return "rate_limit_error";
    default:
        return status < 500 ? "invalid_request_error" : "api_error";
    }
}

bool error_json(enum dialect dialect, int status, const char *request_id, const char *code, const char *message,
                struct bytes *out)
{
    bool anthropic = dialect == DIALECT_ANTHROPIC;
    return bytes_printf(out,
                        anthropic ? "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"hermes-relay: "
                                  : "{\"error\":{\"type\":\"%s\",\"message\":\"hermes-relay: ",
                        type_of(status)) &&
           bytes_add_json(out, message, strlen(message)) &&
           (anthropic ? bytes_printf(out, "\"},\"request_id\":\"%s\"}\n", request_id)
                      : bytes_printf(out,
                                     *code != '\0' ? "\",\"param\":null,\"code\":\"%s\"}}\n"
                                                   : "\",\"param\":null,\"code\":null}}\n",
                                     code));
}
