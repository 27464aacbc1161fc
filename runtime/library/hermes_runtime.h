/* libhermes-runtime: a gateway's side of the snapshot that hermes-compile publishes.
 *
 *     struct hermes *hermes;
 *     int error = hermes_open("/home/u/.hermes", &hermes);     0, or a negative hermes_error / errno
 *     ...
 *     struct hermes_attempt attempt;                           for each request:
 *     (void)hermes_refresh(hermes);                            costs a stat when nothing is new
 *     if (hermes_acquire(hermes, NULL, NULL, 0, &attempt) == 0) {   the default provider's next healthy key
 *         send(attempt.credential->base_url, attempt.credential->secret);
 *         struct hermes_answer answer = {.status = 429, .headers = ..., .body = ...};
 *         struct hermes_judgement judgement = hermes_classify(&answer, now);
 *         (void)hermes_report(hermes, &attempt, &judgement);   the key cools, for every process of this home
 *         hermes_release(hermes, &attempt);
 *     }
 *     ...
 *     hermes_close(hermes);
 *
 * Threads: one handle may be used by any number of threads at once, hermes_close excepted. A view is immutable and
 * reference-counted: hermes_hold takes a reference that hermes_view_unref gives back; an attempt holds one of its own.
 * Whatever a view hands out lives as long as the view. hermes_current borrows, for programs with one thread.
 *
 * Keys lie in guarded, locked memory, left out of core dumps and wiped when the last reference goes.
 *
 * A torn, edited, newer-format or missing snapshot is an error value: the last good view stays in force. */
#ifndef HERMES_RUNTIME_H
#define HERMES_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum hermes_error {
    HERMES_ABSENT = -1001,      /* there is no snapshot */
    HERMES_CORRUPT = -1002,     /* not JSON, torn, or its digest does not match: edited by hand */
    HERMES_NEWER = -1003,       /* a format this library does not know */
    HERMES_UNSAFE = -1004,      /* the file belongs to somebody else or may be written by others */
    HERMES_NO_PROVIDER = -1005, /* the snapshot has no such provider, or names no default one */
    HERMES_NO_KEY = -1006,      /* the provider has no key at all */
    HERMES_EXHAUSTED = -1007,   /* each of its keys is cooling, dead, or was skipped: see hermes_earliest */
};
/* Returns words for a negative return value of this library. It knows errno, too. */
const char *hermes_strerror(int error);

struct hermes;
struct hermes_view;

/* --- What a snapshot says --- */

struct hermes_origin {
    const char *path; /* relative to the home where it lies in it */
    const char *key;  /* `model.api_key`, `XIAOMI_API_KEY` */
    unsigned line;    /* from 1; 0: the file has no lines of its own (auth.json) */
    unsigned column;
};

struct hermes_credential {
    const char *id; /* six hex digits that belong to provider and key */
    const char *label;
    const char *secret;      /* "": the server needs none, and no header is to carry one */
    const char *fingerprint; /* "sha256:" and 16 hex digits: the only form of a key that may be shown */
    const char *base_url;    /* the only one that this key may be sent to */
    const struct hermes_origin *origins;
    size_t origin_count;
};

struct hermes_header {
    const char *name;
    const char *value; /* may be a secret */
};

struct hermes_provider {
    const char *id;
    const char *base_url;
    const char *strategy; /* "fill_first", "round_robin", "least_used", "random" */
    const char *auth;     /* how the key travels: "bearer", "x-api-key", "x-goog-api-key" */
    const char *ca_file;  /* certificates to trust for it, a PEM file, instead of the usual ones; NULL: those */
    const struct hermes_credential *credentials; /* in the order in which they go out */
    size_t credential_count;
    const struct hermes_header *headers; /* further headers of every request */
    size_t header_count;
    bool unverified;   /* its certificate is not checked: the configuration says `ssl_verify: false` */
    const char *shown; /* what may be printed or logged of `id`: itself; where it may hold a key, its fingerprint */
};

/* Who is asked when the default provider cannot answer. */
struct hermes_fallback {
    const char *provider; /* the id of a provider; one with a URL or key of its own is called by its place */
    const char *model;
};

/* A name by which a request may ask for a model of a provider. */
struct hermes_model_alias {
    const char *name; /* upper and lower case are the same */
    const char *provider;
    const char *model;
};

/* Opens a home's snapshot. On error *ret is untouched. */
int hermes_open(const char *home, struct hermes **ret) __attribute__((warn_unused_result));
/* Closes a home's snapshot. No thread uses the handle any more; NULL is fine. Views that are still held stay valid. */
void hermes_close(struct hermes *hermes);
/* Looks for a new snapshot. It costs a stat. 1: another one is in force, by its content or its generation; 0:
 * nothing is new, and every view stays valid; negative: the new one is unusable, and the last good view stays. */
int hermes_refresh(struct hermes *hermes);

/* Takes a reference to the active view. hermes_view_unref gives it back. */
const struct hermes_view *hermes_hold(struct hermes *hermes);
/* Borrows the active view. It is valid until the next hermes_refresh that returns 1, or hermes_close. */
const struct hermes_view *hermes_current(struct hermes *hermes);
/* Takes another reference to a view. It returns the view. */
const struct hermes_view *hermes_view_ref(const struct hermes_view *view);
/* Gives a reference to a view back. NULL is fine. */
void hermes_view_unref(const struct hermes_view *view);

/* Returns the generation of a view. */
long long hermes_generation(const struct hermes_view *view);
/* Returns when a snapshot was published. The time is ISO 8601 in UTC. */
const char *hermes_compiled_at(const struct hermes_view *view);
/* Returns the exact bytes of the content value, as published. */
const char *hermes_content(const struct hermes_view *view, size_t *ret_len);
/* Returns the id of the default provider. NULL: the sources name none. */
const char *hermes_default_provider(const struct hermes_view *view);
/* Returns how many providers a view has. */
size_t hermes_provider_count(const struct hermes_view *view);
/* Returns the provider at an index. It counts from 0; NULL: there are no more. */
const struct hermes_provider *hermes_provider_at(const struct hermes_view *view, size_t index);
/* Returns the fallback at an index. They are those of the configuration in their order, from 0. NULL: there are no
 * more. */
const struct hermes_fallback *hermes_fallback(const struct hermes_view *view, size_t index);
/* Returns the model alias at an index. They count from 0; NULL: there are no more. */
const struct hermes_model_alias *hermes_model_alias(const struct hermes_view *view, size_t index);
/* Finds a provider. NAME is its id, an alias that Hermes knows (`mimo`, `claude`), the name of a custom provider (`My
 * LLM`), or its name in `providers`. NULL: there is none. */
const struct hermes_provider *hermes_provider(const struct hermes_view *view, const char *name);
/* Returns a variable of the env files. NULL: it is not set. */
const char *hermes_variable(const struct hermes_view *view, const char *name);
/* Returns a setting as JSON. PATH is its dotted path in the resolved configuration (`model.provider`,
 * `fallback_providers.0.model`); the text is that of the snapshot, *RET_LEN bytes without a NUL. NULL: not set. */
const char *hermes_config(const struct hermes_view *view, const char *path, size_t *ret_len);

/* --- One try of one request --- */

/* What a key is wanted for, where its provider may limit it to less than all; both may be NULL. */
struct hermes_use {
    const char *model;
    const char *endpoint; /* the same text for the same endpoint: "POST /chat/completions" */
};

/* Whatever is rotated meanwhile, what comes back is booked on the key that was used. */
struct hermes_attempt {
    const struct hermes_view *view; /* a reference is held until hermes_release */
    const struct hermes_provider *provider;
    const struct hermes_credential *credential;
    long long generation;
    struct hermes_use use; /* texts of the caller's */
};

/* Picks the next healthy key. It is one of PROVIDER (see hermes_provider; NULL: the default one), by its strategy, and
 * its use is counted. SKIP: fingerprints that this request has tried already. 0, HERMES_NO_PROVIDER, HERMES_NO_KEY or
 * HERMES_EXHAUSTED; *ret is untouched on error. No system call but now and then: a change of compiled/cooldowns.json is
 * seen within 20 milliseconds, what any process of the home reports at once. */
int hermes_acquire(struct hermes *hermes, const char *provider, const char *const *skip, size_t skip_count,
                   struct hermes_attempt *ret) __attribute__((warn_unused_result));
/* Picks the next key that is healthy for a model or an endpoint. It does what hermes_acquire does, for USE (NULL: for
 * everything). */
int hermes_acquire_for(struct hermes *hermes, const char *provider, const struct hermes_use *use,
                       const char *const *skip, size_t skip_count, struct hermes_attempt *ret)
    __attribute__((warn_unused_result));
/* Ends an attempt. It gives its view back. */
void hermes_release(struct hermes *hermes, struct hermes_attempt *attempt);

/* Returns the fingerprint of the key that hermes_acquire would pick now. Nothing is counted, and the string lives as
 * long as the active view; NULL: none. Under `random` each usable key may be the next one: this is one of them. */
const char *hermes_next(struct hermes *hermes, const char *provider);

/* Returns when the first key of a provider is good again. The time is in seconds since the epoch; 0: one is good now;
 * INFINITY: never. */
double hermes_earliest(struct hermes *hermes, const char *provider);

/* --- What a provider answered --- */

enum hermes_verdict {
    HERMES_KEY_GOOD,
    HERMES_KEY_COOLING,   /* this key, until a moment */
    HERMES_KEY_DEAD,      /* this key, until it is replaced or reset by hand */
    HERMES_PROVIDER_OUT,  /* no key's fault, and another key would not help */
    HERMES_REQUEST_WRONG, /* no key's fault, and another try would not help */
};

/* Returns the word for a verdict. It is "good", "cooling", "dead", "provider-out", "request-wrong". */
const char *hermes_verdict_name(enum hermes_verdict verdict);

struct hermes_answer {
    int status;          /* of HTTP; 0: no answer at all (connection, TLS, time-out) */
    const char *headers; /* "Name: value\r\n" lines without the status line; NULL: none */
    size_t headers_len;
    const char *body; /* the body, its beginning, or the first event of a stream; NULL: none */
    size_t body_len;
    const char *model; /* that was asked for; NULL: not known. An error that names it speaks of it */
};

/* For what a key is out; the provider says so, else for everything. */
enum hermes_scope {
    HERMES_SCOPE_KEY,      /* for whatever it is asked */
    HERMES_SCOPE_MODEL,    /* for the model of the attempt */
    HERMES_SCOPE_ENDPOINT, /* for the endpoint of the attempt */
    HERMES_SCOPE_REQUEST,  /* for this one request: nothing is booked, and another key may do */
};

struct hermes_judgement {
    enum hermes_verdict verdict;
    double until;     /* seconds since the epoch; for COOLING and PROVIDER_OUT; INFINITY for DEAD; else 0 */
    const char *rule; /* what decided, a static string: "429-retry-after", "401-empty-balance", ... */
    int status;       /* the answer's; for an error inside a 200 the one that it means */
    bool given;       /* UNTIL is the provider's word; else it is a default, which the configuration may overrule */
    bool proven;      /* a code, a header or a time of the provider's says so; else a status or a message alone */
    enum hermes_scope scope; /* of COOLING */
};

/* Classifies what a provider answered. It says what the answer means for the key, the provider and the request. Pure:
 * no clock, no input, no output. NOW is in seconds since the epoch. Takes any bytes. */
struct hermes_judgement hermes_classify(const struct hermes_answer *answer, double now);
/* Books a judgement on the key of an attempt. It holds for all processes of the home and across restarts. 0, or why
 * only this process knows of it (a negative errno: a home that cannot be written). */
int hermes_report(struct hermes *hermes, const struct hermes_attempt *attempt,
                  const struct hermes_judgement *judgement);

struct hermes_key_state {
    enum hermes_verdict verdict;
    double until;     /* as in a judgement */
    const char *rule; /* a static string; "pool": Hermes itself marked it in auth.json; "": nothing is known */
    int status;
    unsigned long long requests; /* since the bookings of this home began */
    double last_used;            /* seconds since the epoch; 0: never */
};
/* Returns what is known of one key now. FINGERPRINT NULL: of the provider itself (GOOD or PROVIDER_OUT). 0 or
 * HERMES_NO_PROVIDER. */
int hermes_key_state(struct hermes *hermes, const char *provider, const char *fingerprint,
                     struct hermes_key_state *ret);

#ifdef __cplusplus
}
#endif

#endif
