/* HTTP from the clients: their connections, and what they ask (libmicrohttpd; nothing but this and reply.c knows it).
 * What goes out is reply.c's. */
#ifndef HERMES_FRONT_H
#define HERMES_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "chunks.h"
#include "must_check.h"

struct exchange;
struct exchanges;
struct listening;
struct MHD_Daemon;

/* A connection. Its address is the epoll data of its socket, which is watched for the client's leaving only. */
struct client {
    struct front *front;
    struct client *next;
    struct client *previous;
    struct exchange *exchange; /* under way; NULL: between requests */
    int fd;
    bool gone;
    long long since_us;   /* it has been without a request; for a body, it has been coming in */
    int waiting;          /* so many bytes the kernel held for it when it was looked at last */
    long long taken_us;   /* when it took some last, or had none to take */
    bool trimmed;         /* what was unused of it has been given back, for this request */
    struct chunks chunks; /* of its body, if that comes so */
    char address[48];
};

struct front {
    struct MHD_Daemon *daemon;
    int fd; /* readable when front_run has something to do */
    bool due;
    bool checks_lines; /* the server refuses header lines that two readers could read differently */
    bool trusted;      /* only this user can connect: no token is asked for */
    bool closing;      /* no new connections, and none is kept */
    int epoll;         /* where each client is added: EPOLLRDHUP with its address */
    struct exchanges *exchanges;
    struct client *clients; /* all of them */
    size_t client_count;
    uint64_t id_base; /* of the requests */
    uint64_t id_count;
    struct bytes log; /* lines that go out at the end of a round */
};

/* 0 or a negative errno. */
int front_open(struct front *front, struct exchanges *exchanges, int epoll,
               const struct listening *listening) MUST_CHECK;
/* What is still under way is cut off. Fine when it is not open. */
void front_close(struct front *front);
void front_run(struct front *front);
/* Whether front_run is to be called at once. */
bool front_pending(const struct front *front);
/* No new connections from now on. */
void front_quiesce(struct front *front);
void front_write_log(struct front *front);

/* The client has closed its side. */
void front_left(struct client *client);
/* Gives back what a long answer's connection does not use. */
void front_trim(struct client *client, long long now_us);
/* Closes the connection when it takes too long over a request. */
void front_hurry(struct client *client, long long now_us);

#endif
