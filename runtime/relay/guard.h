/* Who may use the relay, and with what kind of request. */
#ifndef HERMES_GUARD_H
#define HERMES_GUARD_H

#include <stdbool.h>
#include <stddef.h>

struct relay;

/* What the headers of a request say about that; NULL: not there. */
struct request_head {
    const char *host;
    const char *origin;
    const char *authorization;
    const char *x_api_key;
    const char *api_key;
    const char *x_goog_api_key;
    const char *cookie;
    const char *content_length;
    const char *transfer_encoding;
    const char *connection;
    const char *idempotency_key;
    const char *upgrade;
    const char *accept;
    const char *relayed; /* HOP_HEADER */
    const char *anthropic_version;
    const char *asked_method;  /* of a browser's question before a request */
    const char *asked_headers; /* likewise */
    unsigned lengths;          /* how many Content-Length headers */
    unsigned encodings;        /* and Transfer-Encoding */
    unsigned connections;      /* and Connection */
    bool lines_checked; /* set before: the server itself refuses what is folded or has a NUL or a bare line end in it */
    bool malformed;     /* a header that two readers could read differently */
    size_t bytes;       /* of all names and values, and HEADER_COST each */
    const char *end;    /* of the last value, in the text of the request */
};

/* Names the relays that a request has come through, each by a number that it drew when it started. */
#define HOP_HEADER "x-hermes-relay"

/* HEADER_COST: of each one, its line end and what the server notes of it. */
enum { REQUEST_HEADERS_LIMIT = 24 * 1024, HEADER_COST = 84 };

/* Notes one header. Unless the lines are checked, NAME and VALUE stand in the text of the request, where a name is
 * followed by a colon and its value: a line that was folded onto the one before it does not. */
void guard_note(struct request_head *head, const char *name, size_t name_len, const char *value, size_t value_len);

struct refusal {
    int status; /* 0: welcome */
    const char *message;
};
/* Whether the request can be understood in one way only. *RET_LENGTH: of its body; -1: chunked. */
struct refusal guard_framing(const struct request_head *head, const char *method, long long *ret_length);

enum guarded {
    GUARDED_PROVIDERS, /* spends money: token only */
    GUARDED_STATUS,    /* token, or the cookie of the status page */
    GUARDED_PAGE,      /* the same; who has neither is told where the token lies */
    GUARDED_NOTHING,   /* says nothing */
};
/* TRUSTED: only this user can have connected. */
struct refusal guard_admit(const struct relay *relay, const struct request_head *head, enum guarded what, bool trusted);
/* The origin of the request, where the options allow it; NULL. */
const char *guard_allowed_origin(const struct relay *relay, const struct request_head *head);
/* Whether TARGET is the status page with the token in its query, as a browser is first sent there. */
bool guard_token_in_query(const struct relay *relay, const char *target);

#endif
