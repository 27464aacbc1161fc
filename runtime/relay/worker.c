#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <sodium.h>

#include "clock.h"
#include "relay.h"
#include "exchange.h"
#include "failover.h"
#include "front.h"
#include "upstream.h"

/* ROUNDS: of work that leads to more work, before the others' sockets are looked at again. */
enum { EVENTS = 128, SWEEP_MS = 1000, DRAIN_MS = 25000, ROUNDS = 6 };

/* epoll_data of the two that are no connections. */
enum { FROM_FRONT = 1, FROM_WAKE = 2 };

/* --- What is used again --- */

struct exchange *worker_exchange(struct worker *worker)
{
    struct exchange *x = worker->spare_exchanges;
    if (x != NULL)
        worker->spare_exchanges = x->next;
    else
        x = calloc(1, sizeof *x);
    if (x == NULL)
        return NULL;
    x->worker = worker;
    x->relay = worker->relay;
    x->retry_after = -1;
    worker->exchange_count++;
    return x;
}

static void forget_due(struct worker *worker, const struct exchange *x)
{
    struct exchange **place = &worker->due_first;
    worker->due_last = NULL;
    while (*place != NULL) {
        if (*place == x) {
            *place = x->next_due;
            continue;
        }
        worker->due_last = *place;
        place = &(*place)->next_due;
    }
}

void worker_exchange_give(struct exchange *x)
{
    struct worker *worker = x->worker;
    struct bytes kept[] = {x->target, x->headers, x->body, x->fallback_body, x->local, x->local_headers};
    if (x->due)
        forget_due(worker, x);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        bytes_clear(&kept[i]);
    *x = (struct exchange){.next = worker->spare_exchanges,
                           .target = kept[0],
                           .headers = kept[1],
                           .body = kept[2],
                           .fallback_body = kept[3],
                           .local = kept[4],
                           .local_headers = kept[5]};
    worker->spare_exchanges = x;
    worker->exchange_count--;
}

struct attempt *worker_attempt(struct exchange *x)
{
    struct worker *worker = x->worker;
    struct attempt *attempt = worker->spare_attempts;
    if (attempt != NULL)
        worker->spare_attempts = attempt->next;
    else
        attempt = calloc(1, sizeof *attempt);
    if (attempt == NULL)
        return NULL;
    *attempt = (struct attempt){.exchange = x,
                                .url = attempt->url,
                                .lines = attempt->lines,
                                .headers = attempt->headers,
                                .body = attempt->body,
                                .length = -1};
    attempt->started_us = attempt->active_us = clock_monotonic_us();
    return attempt;
}

/* --- The loop --- */

void worker_due(struct exchange *x)
{
    struct worker *worker = x->worker;
    if (x->due)
        return;
    x->due = true;
    x->next_due = NULL;
    if (worker->due_last != NULL)
        worker->due_last->next_due = x;
    else
        worker->due_first = x;
    worker->due_last = x;
}

static void on_progress(struct attempt *attempt)
{
    attempt->active_us = clock_monotonic_us();
    if (attempt->exchange->now == attempt)
        worker_due(attempt->exchange);
}

static void do_due(struct worker *worker, long long now_us)
{
    for (struct exchange *x; (x = worker->due_first) != NULL;) {
        worker->due_first = x->next_due;
        if (worker->due_first == NULL)
            worker->due_last = NULL;
        x->due = false;
        failover_step(x, now_us);
    }
}

static void write_log(struct worker *worker)
{
    if (bytes_len(&worker->log) == 0)
        return;
    ssize_t ignored = write(STDERR_FILENO, bytes_at(&worker->log), bytes_len(&worker->log));
    (void)ignored;
    bytes_clear(&worker->log);
}

static void take_event(struct worker *worker, const struct epoll_event *event)
{
    uint64_t count;
    if ((event->data.u64 & UPSTREAM_TAG) != 0)
        upstream_event(worker->upstream, event->data.u64, event->events);
    else if (event->data.u64 == FROM_FRONT)
        worker->front_due = true;
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
        if (worker->due_first != NULL) {
            do_due(worker, now_us); /* which may ask the next one */
            continue;
        }
        if (!worker->front_due && !front_pending(worker->front))
            return wait;
        worker->front_due = false;
        front_run(worker->front);
    }
    return 0;
}

static void sweep(struct worker *worker, long long now_us)
{
    if (now_us - worker->swept_us < SWEEP_MS * 1000LL)
        return;
    worker->swept_us = now_us;
    front_sweep(worker, now_us);
}

static void begin_to_stop(struct worker *worker)
{
    worker->stopping = true;
    worker->swept_us = 0;
    front_quiesce(worker->front);
}

void *worker_run(void *data)
{
    struct worker *worker = data;
    struct epoll_event events[EVENTS];
    long long stop_us = 0;
    int wait = 0;
    for (;;) {
        int most = worker->client_count > 0 || worker->stopping ? SWEEP_MS : -1;
        if (most >= 0 && (wait < 0 || wait > most))
            wait = most;
        int count = epoll_wait(worker->epoll, events, EVENTS, wait);
        for (int i = 0; i < count; i++)
            take_event(worker, &events[i]);
        wait = work(worker);
        long long now_us = clock_monotonic_us();
        if (worker->client_count > 0)
            sweep(worker, now_us);
        wait = worker->front_due || worker->due_first != NULL ? 0 : wait;
        write_log(worker);
        if (!worker->stopping && atomic_load(&worker->relay->draining)) {
            begin_to_stop(worker);
            stop_us = now_us;
            wait = 0;
        }
        if (worker->stopping && (worker->client_count == 0 || now_us - stop_us > DRAIN_MS * 1000LL))
            return NULL;
    }
}

static int add_to_epoll(struct worker *worker, int fd, uint64_t tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};
    return epoll_ctl(worker->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int worker_open(struct worker *worker, struct relay *relay, int listener)
{
    *worker = (struct worker){
        .relay = relay, .epoll = epoll_create1(EPOLL_CLOEXEC), .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (worker->epoll < 0 || worker->wake < 0)
        return -errno;
    randombytes_buf(&worker->id_base, sizeof worker->id_base);
    int error = upstream_create(worker->epoll, on_progress, &worker->upstream);
    if (error == 0)
        error = front_open(worker, listener, &worker->front);
    if (error == 0)
        error = add_to_epoll(worker, front_fd(worker->front), FROM_FRONT);
    if (error == 0)
        error = add_to_epoll(worker, worker->wake, FROM_WAKE);
    return error;
}

/* What has not drained by now is cut off: no connection may rest when its server stops. */
static void cut_off(struct worker *worker)
{
    for (struct client *client = worker->clients; client != NULL; client = client->next)
        front_left(client);
}

void worker_close(struct worker *worker)
{
    if (worker->front != NULL) {
        cut_off(worker);
        front_run(worker->front);
        front_close(worker->front);
    }
    upstream_destroy(worker->upstream);
    for (struct exchange *x; (x = worker->spare_exchanges) != NULL;) {
        worker->spare_exchanges = x->next;
        struct bytes *all[] = {&x->target, &x->headers, &x->body, &x->fallback_body, &x->local, &x->local_headers};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            bytes_finish(all[i]);
        free(x);
    }
    for (struct attempt *attempt; (attempt = worker->spare_attempts) != NULL;) {
        worker->spare_attempts = attempt->next;
        bytes_finish(&attempt->url);
        bytes_finish(&attempt->lines);
        bytes_finish(&attempt->headers);
        bytes_finish(&attempt->body);
        free(attempt);
    }
    write_log(worker);
    bytes_finish(&worker->log);
    if (worker->epoll >= 0)
        (void)close(worker->epoll);
    if (worker->wake >= 0)
        (void)close(worker->wake);
}
