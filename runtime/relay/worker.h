/* One thread: one event loop over its clients (front.c) and its connections to providers (upstream.c). */
#ifndef HERMES_WORKER_H
#define HERMES_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

struct attempt;
struct client;
struct exchange;
struct front;
struct relay;
struct upstream;

struct worker {
    struct relay *relay;
    struct front *front;
    struct upstream *upstream;
    int epoll;
    int wake;       /* an eventfd: look at the relay's state */
    bool front_due; /* front_run has something to do */
    struct exchange *due_first;
    struct exchange *due_last;
    struct exchange *spare_exchanges;
    struct attempt *spare_attempts;
    struct client *clients; /* all of them */
    size_t client_count;
    size_t exchange_count; /* under way */
    uint64_t id_base;
    uint64_t id_count;
    long long swept_us;
    struct bytes log; /* lines that go out at the end of a round */
    bool stopping;
};

/* Serves LISTENER until the relay drains and nothing is under way. 0 or a negative errno. */
int worker_open(struct worker *worker, struct relay *relay, int listener) __attribute__((warn_unused_result));
/* A pthread. */
void *worker_run(void *worker);
void worker_close(struct worker *worker);

/* Has failover look at X in this round. */
void worker_due(struct exchange *x);
struct attempt *worker_attempt(struct exchange *x);
struct exchange *worker_exchange(struct worker *worker);
void worker_exchange_give(struct exchange *x);

#endif
