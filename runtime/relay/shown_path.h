/* The path of a request, as it may be logged. */
#ifndef HERMES_SHOWN_PATH_H
#define HERMES_SHOWN_PATH_H

#include <stddef.h>

/* The LEN bytes of TARGET in OUT, cut to its SIZE: a segment that may be a key, which a client or a base URL has there,
 * is its fingerprint; what a terminal, or quotes in a line of the log, would take amiss is '?'. */
void shown_path(const char *target, size_t len, char *out, size_t size);

#endif
