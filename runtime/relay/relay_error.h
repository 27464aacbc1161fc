/* What the relay says when no provider's answer can be passed on, as the clients' own libraries expect it. */
#ifndef HERMES_RELAY_ERROR_H
#define HERMES_RELAY_ERROR_H

#include <stdbool.h>

#include "relay_bytes.h"
#include "relay_route.h"

/* {"error": {...}} in the client's DIALECT. MESSAGE is shown to people. False: no memory. */
bool error_json(enum dialect dialect, int status, const char *request_id, const char *message, struct bytes *out)
    __attribute__((warn_unused_result));
/* LEN bytes of TEXT as the inside of a JSON string. */
bool json_inside(struct bytes *out, const char *text, size_t len) __attribute__((warn_unused_result));

#endif
