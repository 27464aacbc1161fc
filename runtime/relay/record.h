/* What the relay remembers of its recent requests and switches: who was asked, with which key, by which rule it was
 * decided. Never a body, a header or a key. */
#ifndef HERMES_RECORD_H
#define HERMES_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "must_check.h"
#include "provider_table.h"

struct bytes;

enum { RECORD_TRIES = 16, REQUEST_ID_SIZE = 16 + 1, KEY_SIZE = 24, RECORD_MODEL_SIZE = 80 };

struct record_try {
    char provider[PROVIDER_NAME_SIZE];
    char fingerprint[KEY_SIZE];
    const char *rule; /* static */
    const char *verdict;
    int status;
    long long us;
    double until;
};

struct record {
    char id[REQUEST_ID_SIZE];
    char method[12];
    char path[128];
    char client[48];
    double at; /* seconds since the epoch */
    long long started_us;
    long long us;
    int status;                        /* that the client got; 0: it left before */
    int trouble;                       /* the status of an error that its stream told of; 0: none */
    char provider[PROVIDER_NAME_SIZE]; /* that served, or was asked last; "" */
    char fingerprint[KEY_SIZE];
    char model[RECORD_MODEL_SIZE]; /* that was asked for, its beginning; "": not known */
    long long tokens_in;           /* as the provider told */
    long long tokens_out;
    long long first_us; /* until the answer began; 0: it did not */
    bool over;          /* its last byte has been sent, or it was broken off */
    struct record_try tries[RECORD_TRIES];
    size_t try_count;
};

/* One more switch from one key to the next. */
struct record_switch {
    double at;
    char provider[PROVIDER_NAME_SIZE];
    char fingerprint[KEY_SIZE]; /* that was left */
    const char *rule;
    const char *verdict;
    int status;
    double until;
    char request[REQUEST_ID_SIZE];        /* in which it was */
    char to_provider[PROVIDER_NAME_SIZE]; /* "": nobody was left */
    char to_fingerprint[KEY_SIZE];
};

struct records;
struct records *records_create(void) MUST_CHECK;
void records_destroy(struct records *records);
/* Keeps RECORD; in the stead of what it was at *PLACE, where 0 means that it is new. */
void records_keep(struct records *records, const struct record *record, size_t *place);
void records_switch(struct records *records, const struct record_switch *change);
/* The code of PROVIDER's last refusal with STATUS, for those who come while all its keys are cooling: no more of an
 * answer is shown to another request than the one that it was for. */
void records_remember(struct records *records, const char *provider, int status, const char *code);
/* "": there is none. */
void records_recall(struct records *records, const char *provider, int status, char *code, size_t size);
/* The request as a JSON object; false: not known (any more). */
bool records_request(struct records *records, const char *id, struct bytes *out) MUST_CHECK;
/* `[...]`, the latest first. Of the requests only the newest ones, without their attempts. */
bool records_requests_json(struct records *records, struct bytes *out) MUST_CHECK;
bool records_switches_json(struct records *records, struct bytes *out) MUST_CHECK;

#endif
