/* HTTP towards the clients (libmicrohttpd; nothing else of the relay knows it). */
#ifndef HERMES_FRONT_H
#define HERMES_FRONT_H

#include <stdbool.h>
#include <stddef.h>

struct exchange;
struct front;
struct worker;

/* A connection. Its address is the epoll data of its socket, which is watched for the client's leaving only. */
struct client {
    struct worker *worker;
    struct client *next;
    struct client *previous;
    struct exchange *exchange; /* under way; NULL: between requests */
    int fd;
    bool gone;
    long long since_us; /* it has been without a request; for a body, it has been coming in */
    char address[48];
};

int front_open(struct worker *worker, int listener, struct front **ret) __attribute__((warn_unused_result));
void front_close(struct front *front);
/* Readable when front_run has something to do. */
int front_fd(const struct front *front);
void front_run(struct front *front);
/* Whether front_run is to be called at once. */
bool front_pending(const struct front *front);
/* No new connections from now on. */
void front_quiesce(struct front *front);

/* x->answer (a provider's) has begun: it is passed on from now on. */
void front_answer(struct exchange *x);
/* An answer of the relay itself: x->local, with HEADERS ("Name: value\r\n" lines, or NULL). */
void front_reply(struct exchange *x, int status, const char *type, const char *headers);
/* An error in the client's dialect; RETRY_AFTER in seconds, -1: none. */
void front_error(struct exchange *x, int status, long long retry_after, const char *message);
/* Its connection goes on when it rested. */
void front_wake(struct exchange *x);
/* The client has closed its side. */
void front_left(struct client *client);
/* Once a second: closes connections that take too long over a request. */
void front_sweep(struct worker *worker, long long now_us);

#endif
