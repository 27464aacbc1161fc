/* One request of a client and all that is done about it.
 *
 *     client --front--> exchange --failover--> attempts --upstream--> provider
 *
 * An exchange belongs to one worker thread from its first byte to its last. Three parts touch it, each through its own
 * header: front.c and reply.c speak HTTP to the client (libmicrohttpd), upstream.c to the provider (libcurl), and
 * failover.c decides between them what happens next. This file is below them all: it calls none of them. */
#ifndef HERMES_EXCHANGE_H
#define HERMES_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence.h"
#include "hermes_runtime.h"
#include "bytes.h"
#include "hold.h"
#include "must_check.h"
#include "owners.h"
#include "record.h"
#include "route.h"
#include "silence.h"

struct client;
struct doubt;
struct exchange;
struct gathering;
struct relay;
struct upstream;
struct upstream_call;

enum {
    ANSWER_BUFFER = 64 * 1024,         /* of an answer that is under way, until its client has taken it */
    UPLOAD_BUFFER = 256 * 1024,        /* of a body that is too large to be kept for another attempt */
    REPLAY_LIMIT = 32 * 1024 * 1024,   /* a larger body goes to one key only, as it comes in */
    BODY_LIMIT = 1024 * 1024 * 1024,   /* a larger one is refused */
    ANSWER_HEADERS_LIMIT = 256 * 1024, /* of a provider */
    LIST_LIMIT = 8 * 1024 * 1024,      /* of its models */
};

/* One try with one key. */
struct attempt {
    struct exchange *exchange;
    struct hermes_attempt key;  /* held until the attempt is over */
    struct upstream_call *call; /* NULL: not under way any more */
    struct bytes url;
    struct bytes lines; /* its headers, the key among them */
    long long started_us;
    long long active_us; /* something moved last */

    /* What came back. The status line, and "Name: value\r\n" lines. */
    int status; /* 0: nothing yet */
    struct bytes headers;
    bool headers_done;
    struct bytes body;
    size_t limit; /* so much of it may wait here; then the provider is paused */
    size_t ready; /* so many bytes of it are masked and may go out */
    bool paused;  /* the provider waits until the client has taken some */
    bool done;
    bool failed;         /* it broke off, or never came */
    const char *failure; /* static words */
    bool timed_out;
    bool sent;      /* the whole request has gone out: it may have been charged for */
    bool untouched; /* nothing of it has, or it was not taken */

    enum hold hold;
    struct bytes line; /* of a stream: the beginning of one that is not whole */
    bool overlong;     /* it was too long to be kept */
    bool troubled;     /* an error has been found in it */
    struct silence silence;
    long long length; /* of the body; -1: not told */
    bool decoded;     /* it came in an encoding, and its length was that of the encoded one */
    bool judged;
    char code[EVIDENCE_CODE_SIZE]; /* of its error; "": none */
    struct attempt *next;          /* in a list of spare ones */
};

enum exchange_state {
    EXCHANGE_NEW,
    EXCHANGE_RECEIVING, /* its body comes in */
    EXCHANGE_WAITING,   /* for a provider */
    EXCHANGE_ANSWERING, /* `answer` goes out */
    EXCHANGE_LOCAL,     /* answered by the relay itself */
};

/* What one worker's exchanges share. */
struct exchanges {
    struct relay *relay;
    struct upstream *upstream;
    struct exchange *due_first; /* failover is to look at them */
    struct exchange *due_last;
    struct exchange *spare;
    struct attempt *spare_attempts;
};

struct exchange {
    struct exchanges *all;
    struct relay *relay;
    struct client *client;
    struct MHD_Connection *connection;
    struct exchange *next; /* in a list of spare ones */
    struct exchange *next_due;
    bool due;
    void (*wake)(struct exchange *x); /* its connection goes on when it rested */
    enum exchange_state state;
    bool suspended;    /* its connection rests until `wake` */
    bool left;         /* its client has closed its side */
    bool gone;         /* nobody waits for it any more */
    bool is_local;     /* for the relay itself */
    bool preflight;    /* of a browser */
    bool stranger;     /* neither token nor cookie: sees how to come by them */
    bool wants_page;   /* a person looks at the answer, in a browser */
    bool local_stream; /* whose answer goes on as long as the client listens */
    bool lists;        /* asks for the models of all providers */

    /* What was asked */
    const char *host;    /* that it calls the relay by; NULL: none */
    const char *origin;  /* of a page that may read the answer; NULL: none */
    struct bytes target; /* path and query as they came, NUL-terminated */

    enum dialect dialect;
    struct route route;
    struct bytes headers;  /* for the provider: "Name: value\0" each */
    struct bytes body;     /* whole, or a window of it when `streaming` */
    long long body_length; /* as told; -1: chunked */
    size_t body_received;
    bool body_complete;
    bool streaming;  /* the body is not kept: one attempt */
    bool ambiguous;  /* another reader of the connection would find another end of the body */
    bool harmless;   /* GET and HEAD: nobody is charged for asking twice */
    bool idempotent; /* has an idempotency key, which its provider knows, and no other one */

    /* Who is asked */
    long long asked_us;                      /* first */
    char first_provider[PROVIDER_NAME_SIZE]; /* that the request is for */
    struct target asking;                    /* the provider of now */
    bool repeated;                           /* the same key was asked twice */
    size_t fallback;                         /* how many fallbacks have been turned to */
    const char *tried[RECORD_TRIES];         /* fingerprints of that provider's keys; in `record` */
    size_t tried_count;
    struct model_place model;     /* in body; empty: it has none */
    char first_model[MODEL_SIZE]; /* that the request is for; "": not known */
    char use_model[MODEL_SIZE];   /* that the provider of now is asked for; "": not known */
    char use_endpoint[64];        /* "POST /chat/completions" */
    struct bytes fallback_body;   /* the body with another model in it */
    struct attempt *now;
    struct gathering *gathering; /* the lists of other providers, see models.h */
    char owner[OWNER_SIZE];      /* fingerprint of the key that what is asked for lives with; "": any will do */
    struct doubt *doubts;        /* see doubt.h */
    size_t doubt_count;
    struct attempt *refusal; /* the last whole answer of a key that was refused */

    /* What is answered */
    size_t header_room; /* so many bytes of headers at most */
    struct attempt *answer;
    struct bytes local; /* an answer of the relay itself */
    int local_status;
    char local_type[64];
    struct bytes local_headers; /* "Name: value\r\n" lines */
    long long retry_after;      /* in seconds; -1: as the provider says */
    uint64_t seen;              /* digest of the status that a stream of it told last */
    long long told_us;          /* and when */
    struct record record;
    size_t record_place; /* where it is kept; 0: not yet */
    long long tokens_in;
    long long tokens_out;
};

/* A new one; NULL: no memory. */
struct exchange *exchange_take(struct exchanges *all) MUST_CHECK;
/* It is over: its attempts have been given back. */
void exchange_give(struct exchange *x);
/* A new try of X; NULL: no memory. */
struct attempt *exchange_take_attempt(struct exchange *x) MUST_CHECK;
/* It is over, and its key has been released. */
void exchange_give_attempt(struct attempt *attempt);
/* Something has come back for ATTEMPT. */
void exchange_progress(struct attempt *attempt);
/* The one that has been due for longest, which is not due any more; NULL: none is. */
struct exchange *exchange_next_due(struct exchanges *all) MUST_CHECK;
/* Frees what was kept for the next ones. */
void exchange_finish(struct exchanges *all);

#endif
