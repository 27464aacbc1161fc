/* What the relay says when no provider's answer can be passed on, as the clients' own libraries expect it. */
#ifndef HERMES_ERROR_H
#define HERMES_ERROR_H

#include <stdbool.h>

#include "bytes.h"
#include "must_check.h"
#include "route.h"

/* {"error": {...}} in the client's DIALECT. CODE ("": none) is for programs, MESSAGE for people. False: no memory. */
bool error_json(enum dialect dialect, int status, const char *request_id, const char *code, const char *message,
                struct bytes *out) MUST_CHECK;

#endif
