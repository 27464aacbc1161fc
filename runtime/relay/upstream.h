/* HTTP towards the providers: one worker's connections, kept and reused (libcurl; nothing else of the relay knows it).
 *
 *     struct upstream *upstream;
 *     upstream_create(epoll, &upstream);
 *     upstream_begin(upstream, attempt, &(struct upstream_request){...});     attempt->call is set
 *     ... for each event of the epoll whose data is tagged as ours: upstream_event(...) ...
 *     ... its exchange is due when headers, bytes or the end of it have come ...
 *     upstream_end(attempt);       when it is over, or not wanted any more: attempt->call is NULL
 *
 * TLS is verified, redirects are not followed, the process environment does not count, an answer is decoded (the
 * key could not be seen in it otherwise), nothing but http and https is spoken, and a request that may have reached the
 * provider is not sent again unless that does no harm. */
#ifndef HERMES_UPSTREAM_H
#define HERMES_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "egress.h"
#include "must_check.h"

struct attempt;
struct bytes;
struct upstream;

struct upstream_request {
    const char *method;
    char *url;                   /* as it was when upstream_begin returns */
    const struct bytes *headers; /* "Name: value\0" each; must stay until upstream_end */
    const char *body;            /* likewise; NULL: none, or `pull` */
    size_t body_len;
    /* Instead of a body: called when more of it can go. Bytes, 0 at its end, or UPSTREAM_LATER until upstream_more. */
    size_t (*pull)(struct attempt *attempt, char *buffer, size_t size);
    long long pull_len; /* of the whole body; -1: chunked */
    bool again;         /* asking twice does no harm */
    struct egress egress;
};
#define UPSTREAM_LATER ((size_t)-1)

/* Tags in epoll_data.u64 of the sockets that upstream adds to the worker's epoll: this bit and the descriptor. */
#define UPSTREAM_TAG (1ULL << 63)

/* Once, before any thread. 0 or a negative errno. */
int upstream_start(void) MUST_CHECK;
void upstream_stop(void);

int upstream_create(int epoll, struct upstream **ret) MUST_CHECK;
void upstream_destroy(struct upstream *upstream);
/* Gives back the memory that it keeps for the next calls. */
void upstream_trim(struct upstream *upstream);

/* 0 or a negative errno; on error nothing is under way. */
int upstream_begin(struct upstream *upstream, struct attempt *attempt,
                   const struct upstream_request *request) MUST_CHECK;
/* Ends it, wherever it is. Fine when it is over. */
void upstream_end(struct attempt *attempt);
/* Whether its whole request has gone out: nothing of the body is needed any more. */
bool upstream_has_sent(const struct attempt *attempt);
/* An attempt that has been paused may go on. */
void upstream_continue(struct attempt *attempt);
/* `pull` has more. */
void upstream_more(struct attempt *attempt);

/* An event of one of our sockets. */
void upstream_event(struct upstream *upstream, unsigned long long tag, unsigned events);
/* Does what is due by the clock. Returns the milliseconds until the next time; -1: never. */
int upstream_tick(struct upstream *upstream, long long now_us) MUST_CHECK;

#endif
