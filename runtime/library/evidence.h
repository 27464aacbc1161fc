/* What an answer says, before anybody judges it: whether it is an error, of which kind, and when it is over.
 *
 * It speaks by its status, its headers, and the error object's own members at the places where a dialect has them; what
 * lies deeper, or beside them, may be what the client wrote. */
#ifndef HERMES_EVIDENCE_H
#define HERMES_EVIDENCE_H

#include "hermes_runtime.h"

enum evidence_kind {
    SAYS_REVOKED = 1 << 0,    /* the key is no key, or no longer one */
    SAYS_BALANCE = 1 << 1,    /* there is no money left */
    SAYS_RATE = 1 << 2,       /* too many requests */
    SAYS_USAGE = 1 << 3,      /* a plan's limit for hours or days */
    SAYS_OVERLOADED = 1 << 4, /* the provider has too much to do */
    SAYS_AUTH = 1 << 5,
    SAYS_FORBIDDEN = 1 << 6,
    SAYS_REQUEST = 1 << 7,       /* this request will never do */
    SAYS_TOO_LARGE = 1 << 8,     /* nor this one: it alone is above the limit */
    SAYS_REGION = 1 << 9,        /* not from this country */
    SAYS_AGAIN = 1 << 10,        /* it may work later */
    SAYS_SECOND = 1 << 11,       /* the limit is counted by the second, */
    SAYS_MINUTE = 1 << 12,       /* by the minute */
    SAYS_TROUBLE = 1 << 13,      /* something broke over there */
    SAYS_PAGE = 1 << 14,         /* a page for a browser: somebody before the API answered */
    SAYS_SCOPE = 1 << 15,        /* the key may not use this endpoint */
    SAYS_MODEL = 1 << 16,        /* nor this model, or its limit is used up */
    SAYS_ORGANIZATION = 1 << 17, /* a header of the request names one that the key is not of */
    SAYS_CONCURRENT = 1 << 18,   /* too many requests at one time */
    SAYS_THIS_MUCH = 1 << 19,    /* a smaller request would do */
    SAYS_CREDIT = 1 << 20,       /* the account's credit is too low: the message begins so */
    SAYS_WRONG_KEY = 1 << 21,    /* likewise: the key is none */
    SAYS_FLAGGED = 1 << 22,      /* what the request says is not wanted */
};

enum { EVIDENCE_CODE_SIZE = 48 };

enum evidence_source { RESET_UNKNOWN, RESET_RETRY_AFTER, RESET_BODY, RESET_RATELIMIT };

struct evidence {
    bool error;                    /* the body says so, whatever the status is */
    int status;                    /* that the body names, 400 to 599; else 0 */
    unsigned codes;                /* kinds, by a code or a type */
    unsigned words;                /* kinds, by what a message says: it may quote the client */
    char code[EVIDENCE_CODE_SIZE]; /* the error's own: "rate_limit_exceeded"; "": none, or none of the usual letters */
    bool names_model;              /* its message names the model that was asked */
    double reset;                  /* when it is good again, seconds since the epoch; NAN when RESET_UNKNOWN */
    enum evidence_source source;
};

/* Pure; takes any bytes. */
struct evidence evidence_of(const struct hermes_answer *answer, double now);

#endif
