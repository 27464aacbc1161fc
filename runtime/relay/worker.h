/* One thread: one event loop over its clients (front.c) and its connections to providers (upstream.c). */
#ifndef HERMES_WORKER_H
#define HERMES_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "exchange.h"
#include "front.h"
#include "must_check.h"

struct relay;
struct listening;
struct upstream;

struct worker {
    struct relay *relay;
    struct front front;
    struct upstream *upstream;
    struct exchanges exchanges;
    int epoll;
    int wake;           /* an eventfd: look at the relay's state */
    atomic_uint rounds; /* of its loop, so that others can see that it turns */
    long long swept_us;
    size_t most_clients; /* since memory was given back last */
    long long stop_us;   /* it has been draining; 0: it is not */
};

/* Serves LISTENING until the relay drains and nothing is under way. 0 or a negative errno. */
int worker_open(struct worker *worker, struct relay *relay, const struct listening *listening) MUST_CHECK;
/* A pthread. */
void *worker_run(void *worker) MUST_CHECK;
void worker_close(struct worker *worker);

#endif
