/* The endpoints of etcd, the one that is asked, and the user's token: what calls (etcd.c) and a watch (etcd_watch.c)
 * share. */
#ifndef HERMES_ETCD_CONNECTION_H
#define HERMES_ETCD_CONNECTION_H

#include <curl/curl.h>

#include "etcd_answer.h"

/* POSTs BODY, which it takes, to PATH of each endpoint in turn until one answers. 0 with *RET, which the caller
 * finishes, or an enum etcd_error. */
int etcd_connection_call(struct etcd *etcd, const char *path, char *body, struct etcd_answer *ret) MUST_CHECK;

/* Prepares CURL to POST BODY to PATH of the endpoint that is asked, with HEADERS; curl's words go to ERROR. All of it
 * lives as long as the transfer. */
bool etcd_connection_prepare(const struct etcd *etcd, CURL *curl, const char *path, const char *body,
                             struct curl_slist *headers, char *error) MUST_CHECK;
/* To be freed; the user's token is among them. */
struct curl_slist *etcd_connection_headers(const struct etcd *etcd, bool with_token) MUST_CHECK;

/* The number of the endpoint that is asked, and: the next one, from now on. */
size_t etcd_connection_at(const struct etcd *etcd);
void etcd_connection_next(struct etcd *etcd);

/* What etcd_trouble() says: WHY, of the endpoint that is asked. */
void etcd_connection_note(struct etcd *etcd, const char *why);
/* The same of a transfer that ended with CODE, and curl's WORDS. An enum etcd_error. */
int etcd_connection_failed(struct etcd *etcd, CURLcode code, const char *words) MUST_CHECK;
/* The same of an answer, whose cluster and whose word about the user it takes in. Its error, or 0. */
int etcd_connection_heard(struct etcd *etcd, const struct etcd_answer *answer) MUST_CHECK;

#endif
