#include "worker.h"

#include <errno.h>
#include <malloc.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "relay.h"
#include "failover.h"
#include "key_heap.h"
#include "pages.h"
#include "upstream.h"

/* ROUNDS: of work that leads to more work, before the others' sockets are looked at again. RUSH: so many clients leave
 * memory behind that is worth giving back. */
enum { EVENTS = 128, SWEEP_MS = 1000, ROUNDS = 6, RUSH = 64 };

/* epoll_data of the two that are no connections. */
enum { FROM_FRONT = 1, FROM_WAKE = 2 };

/* The way of a request: a client's bytes come in (front), who is asked is decided (failover), the provider's bytes come
 * back (upstream) and make the exchange due, failover looks at them, and what may go out does (reply, by the front). */

static void take_event(struct worker *worker, const struct epoll_event *event)
{
    uint64_t count;
    if ((event->data.u64 & UPSTREAM_TAG) != 0)
        upstream_event(worker->upstream, event->data.u64, event->events);
    else if (event->data.u64 == FROM_FRONT)
        worker->front.due = true;
    else if (event->data.u64 == FROM_WAKE)
        (void)!read(worker->wake, &count, sizeof count);
    else
        front_left(event->data.ptr);
}

/* Everything that can be done without waiting. Returns the milliseconds until more is due; -1: an event. */
static int work(struct worker *worker)
{
    for (int round = 0; round < ROUNDS; round++) {
        long long now_us = clock_monotonic_us();
        int wait = upstream_tick(worker->upstream, now_us);
        struct exchange *x = exchange_next_due(&worker->exchanges);
        if (x == NULL && !front_pending(&worker->front))
            return wait;
        if (x == NULL)
            front_run(&worker->front);
        for (; x != NULL; x = exchange_next_due(&worker->exchanges))
            failover_step(x, now_us); /* which may ask the next one */
    }
    return 0;
}

/* After a rush, what was kept for the next request is given back: half of those who were there are gone. */
static void give_back(struct worker *worker)
{
    size_t count = worker->front.client_count;
    bool rush = worker->most_clients >= RUSH;
    if (count * 2 >= worker->most_clients)
        return;
    worker->most_clients = count;
    if (!rush)
        return;
    exchange_finish(&worker->exchanges);
    upstream_trim(worker->upstream);
    (void)malloc_trim(0);
}

/* What only the clock brings. */
static void sweep(struct worker *worker, long long now_us)
{
    if (worker->front.client_count > worker->most_clients)
        worker->most_clients = worker->front.client_count;
    if (now_us - worker->swept_us < SWEEP_MS * 1000LL)
        return;
    worker->swept_us = now_us;
    for (struct client *client = worker->front.clients; client != NULL; client = client->next) {
        struct exchange *x = client->exchange;
        front_hurry(client, now_us);
        front_trim(client, now_us);
        if (x != NULL && x->now != NULL)
            failover_step(x, now_us);
        if (x != NULL && x->local_stream)
            pages_stream(x, now_us);
    }
    give_back(worker);
}

static void begin_to_stop(struct worker *worker, long long now_us)
{
    worker->stop_us = now_us;
    worker->swept_us = 0;
    front_quiesce(&worker->front);
}

void *worker_run(void *data)
{
    struct worker *worker = data;
    struct front *front = &worker->front;
    struct epoll_event events[EVENTS];
    int wait = 0;
    key_heap_join();
    for (;;) {
        int most = front->client_count > 0 || worker->most_clients > 0 || worker->stop_us != 0 ? SWEEP_MS : -1;
        if (most >= 0 && (wait < 0 || wait > most))
            wait = most;
        int count = epoll_wait(worker->epoll, events, EVENTS, wait);
        for (int i = 0; i < count; i++)
            take_event(worker, &events[i]);
        wait = work(worker);
        long long now_us = clock_monotonic_us();
        sweep(worker, now_us);
        wait = front->due || worker->exchanges.due_first != NULL ? 0 : wait;
        front_write_log(front);
        if (worker->stop_us == 0 && atomic_load(&worker->relay->draining)) {
            begin_to_stop(worker, now_us);
            wait = 0;
        }
        atomic_fetch_add(&worker->rounds, 1);
        if (worker->stop_us != 0 &&
            (front->client_count == 0 || now_us - worker->stop_us > worker->relay->drain_s * 1000000LL)) {
            key_heap_leave();
            return NULL;
        }
    }
}

static int add_to_epoll(struct worker *worker, int fd, uint64_t tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};
    return epoll_ctl(worker->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int worker_open(struct worker *worker, struct relay *relay, const struct listening *listening)
{
    *worker = (struct worker){
        .relay = relay, .epoll = epoll_create1(EPOLL_CLOEXEC), .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (worker->epoll < 0 || worker->wake < 0)
        return -errno;
    int error = upstream_create(worker->epoll, &worker->upstream);
    worker->exchanges = (struct exchanges){.relay = relay, .upstream = worker->upstream};
    if (error == 0)
        error = front_open(&worker->front, &worker->exchanges, worker->epoll, listening);
    if (error == 0)
        error = add_to_epoll(worker, worker->front.fd, FROM_FRONT);
    if (error == 0)
        error = add_to_epoll(worker, worker->wake, FROM_WAKE);
    return error;
}

void worker_close(struct worker *worker)
{
    front_close(&worker->front);
    upstream_destroy(worker->upstream);
    exchange_finish(&worker->exchanges);
    if (worker->epoll >= 0)
        (void)close(worker->epoll);
    if (worker->wake >= 0)
        (void)close(worker->wake);
}
