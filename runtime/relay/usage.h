/* The tokens that an answer says it cost. */
#ifndef HERMES_USAGE_H
#define HERMES_USAGE_H

#include <stddef.h>

/* Looks for `usage` members of either dialect in a piece of an answer; counts only grow. A number that is cut in two by
 * the end of a piece may be missed: this is a statistic. */
void usage_scan(const char *bytes, size_t len, long long *in, long long *out);

#endif
