/* What a base URL says: the host that keys are sent to, and where that host is. */
#ifndef HERMES_ENDPOINT_H
#define HERMES_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/* URL, which lies in the arena, without blanks around and trailing slashes. */
const char *endpoint_trimmed(struct arena *arena, const char *url);

/* Whether it has a scheme and a host, or is a template with braces, which is taken unchecked. */
bool endpoint_plausible(const char *url);

/* What to do about a URL that is not plausible. */
const char *endpoint_advice(const char *url);

/* The host that URL names, of *RET_LEN bytes, without a user in front of it and the brackets of IPv6; also where the
 * scheme is left out. */
const char *endpoint_host(const char *url, size_t *ret_len);
/* DOMAIN itself, or a part of it. */
bool endpoint_host_is(const char *url, const char *domain);

/* What URL, trimmed, ends in that belongs to a request and not to a base URL, such as "/chat/completions"; NULL:
 * nothing. */
const char *endpoint_request(const char *url);

/* A host of this machine or of a network that is not the internet: loopback, private and link-local addresses, those of
 * carrier-grade NAT (which VPNs use), and names that no public name server has. */
bool endpoint_is_local(const char *url);

#endif
