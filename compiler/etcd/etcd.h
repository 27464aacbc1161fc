/* What speaks etcd: its JSON gateway (/v3/kv, /v3/lease, /v3/watch), as etcd 3.4 and later have it.
 *
 *     struct etcd *etcd = etcd_create(&access);
 *     int error = etcd_range(etcd, arena, key, end, &values);      each call asks the endpoints in turn
 *     if (error != 0)
 *         say(etcd_trouble(etcd));
 *     etcd_destroy(etcd);
 *
 * Calls return 0 or an enum etcd_error. TLS is verified, no redirect is followed, no proxy is asked, and an answer that
 * is not etcd's is an error of that endpoint. Keys are paths without NULs, values are any bytes. */
#ifndef HERMES_ETCD_H
#define HERMES_ETCD_H

#include <stdbool.h>
#include <stddef.h>

#include "must_check.h"

struct arena;
struct curl_waitfd;

enum etcd_error {
    ETCD_AWAY = -1,      /* nobody answers, or who does has no leader: later */
    ETCD_REFUSED = -2,   /* a user, a permission, a certificate, a quota: somebody has to mend it */
    ETCD_NONSENSE = -3,  /* what answers is no etcd */
    ETCD_COMPACTED = -4, /* what a watch should begin with is gone: read everything anew */
};

enum {
    ETCD_ANSWER_MOST = 32 * 1024 * 1024, /* bytes of one answer; ten thousand machines take 8 MiB */
    ETCD_LINE_MOST = 8 * 1024 * 1024,    /* of a line of a watch; etcd itself cuts them at 1.5 MiB */
};

struct etcd_access {
    const char *const *endpoints; /* "https://etcd-1:2379" */
    size_t endpoint_count;
    const char *ca_file; /* these may be NULL */
    const char *cert_file;
    const char *cert_key_file;
    const char *username;
    const char *password;
};

struct etcd;

/* What ACCESS points to lives as long. NULL: no memory. */
struct etcd *etcd_create(const struct etcd_access *access) MUST_CHECK;
void etcd_destroy(struct etcd *etcd);
/* Why the last call failed, with the endpoint that it was: a static text's or one that the next call replaces. */
const char *etcd_trouble(const struct etcd *etcd);
/* The cluster that gave the last answer, etcd's own number of it; "": none has. */
const char *etcd_cluster(const struct etcd *etcd);

struct etcd_value {
    const char *key;
    const char *value; /* NULL: it was removed (of a watch) */
    size_t len;
    long long mod_revision; /* etcd's own */
    long long lease;        /* 0: none */
};

struct etcd_values {
    struct etcd_value *items;
    size_t count;
    long long revision; /* etcd's own, at which this was so */
};

/* From KEY up to END, which is not among them; END NULL: KEY alone. */
int etcd_range(struct etcd *etcd, struct arena *arena, const char *key, const char *end,
               struct etcd_values *ret) MUST_CHECK;

/* What is written together: a value, or, where that is NULL, a removal. */
struct etcd_change {
    const char *key;
    const char *value;
    size_t len;
    long long lease;
};

/* All CHANGES or none: only while GUARD (NULL: anything goes) was last changed at MOD_REVISION, 0: is not there. 0 with
 * *RET_DONE false: it was changed meanwhile. */
int etcd_commit(struct etcd *etcd, const char *guard, long long mod_revision, const struct etcd_change *changes,
                size_t count, bool *ret_done) MUST_CHECK;

int etcd_lease_grant(struct etcd *etcd, long long seconds, long long *ret) MUST_CHECK;
/* *RET_LEFT: seconds; 0 or less: there is no such lease any more. */
int etcd_lease_keep(struct etcd *etcd, long long lease, long long *ret_left) MUST_CHECK;
int etcd_lease_left(struct etcd *etcd, long long lease, long long *ret_left) MUST_CHECK;

/* --- a watch --- */

struct etcd_range {
    const char *key;
    const char *end;
};

struct etcd_watch;

/* Of RANGES, from etcd's revision FROM on, at the endpoint that answered last. */
int etcd_watch_open(struct etcd *etcd, const struct etcd_range *ranges, size_t count, long long from,
                    struct etcd_watch **ret) MUST_CHECK;
/* Until something may have come, one of FDS has, or TIMEOUT_MS is over. */
void etcd_watch_wait(struct etcd_watch *watch, struct curl_waitfd *fds, unsigned count, int timeout_ms);
/* What has come, in its order; count 0: nothing more. An error: the watch is over, etcd_trouble() says why. */
int etcd_watch_read(struct etcd_watch *watch, struct arena *arena, struct etcd_values *ret) MUST_CHECK;
/* Calls go to another endpoint by now: the watch's own has failed one. */
bool etcd_watch_is_elsewhere(const struct etcd_watch *watch);
/* NULL is fine. */
void etcd_watch_close(struct etcd_watch *watch);

#endif
