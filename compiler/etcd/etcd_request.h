/* What is asked of etcd's JSON gateway, as text of malloc (NULL: no memory): keys and values are base64, numbers are
 * strings. */
#ifndef HERMES_ETCD_REQUEST_H
#define HERMES_ETCD_REQUEST_H

#include "etcd.h"

char *etcd_request_range(const char *key, const char *end) MUST_CHECK;
char *etcd_request_commit(const char *guard, long long mod_revision, const struct etcd_change *changes,
                          size_t count) MUST_CHECK;
/* SECONDS 0: of a lease that there is. */
char *etcd_request_lease(long long lease, long long seconds) MUST_CHECK;
/* It holds the password. */
char *etcd_request_login(const char *username, const char *password) MUST_CHECK;
/* One watch a line: the gateway reads them all from one body. */
char *etcd_request_watch(const struct etcd_range *ranges, size_t count, long long from) MUST_CHECK;

#endif
