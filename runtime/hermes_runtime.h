/* libhermes-runtime: the reader's side of the snapshot that hermes-compile publishes.
 *
 *     struct hermes *hermes;
 *     int error = hermes_open("/home/u/.hermes", &hermes);     0, or a negative hermes_error / errno
 *     ...
 *     hermes_refresh(hermes);                                  costs a stat when nothing is new
 *     const struct hermes_credential *key = hermes_pick(hermes, NULL);   the default provider's next usable key
 *     if (key) send(key->base_url, key->secret);
 *     ...
 *     hermes_close(hermes);
 *
 * A view is immutable. It stays valid until the next hermes_refresh that returns 1, or until hermes_close; who needs it
 * longer takes a reference (hermes_view_ref) and gives it back (hermes_view_unref). One handle belongs to one thread;
 * views may be read by many. Keys lie in guarded, locked memory that is wiped when the last reference goes.
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
    HERMES_ABSENT = -1001,  /* there is no snapshot */
    HERMES_CORRUPT = -1002, /* not JSON, torn, or its digest does not match: edited by hand */
    HERMES_NEWER = -1003,   /* a format this library does not know */
    HERMES_UNSAFE = -1004,  /* the file belongs to somebody else or may be written by others */
};
/* Words for a negative return of this library, errno included. A static string. */
const char *hermes_strerror(int error);

struct hermes;
struct hermes_view;

struct hermes_origin {
    const char *path; /* relative to the home where it lies in it */
    const char *key;  /* `model.api_key`, `XIAOMI_API_KEY` */
    unsigned line;    /* from 1; 0: the file has no lines of its own (auth.json) */
    unsigned column;
};

struct hermes_credential {
    const char *id; /* six hex digits that belong to provider and key */
    const char *label;
    const char *secret;
    const char *fingerprint; /* "sha256:" and 16 hex digits: the only form of a key that may be shown */
    const char *base_url;    /* the provider's */
    const struct hermes_origin *origins;
    size_t origin_count;
};

struct hermes_provider {
    const char *id;
    const char *base_url;
    const char *strategy;
    const char *auth;                            /* "bearer", "x-api-key", ... */
    const struct hermes_credential *credentials; /* in the order in which they go out */
    size_t credential_count;
};

/* Opens HOME's snapshot. On error *ret is untouched. */
int hermes_open(const char *home, struct hermes **ret) __attribute__((warn_unused_result));
void hermes_close(struct hermes *hermes);
/* 1: a new generation is in force; 0: nothing new; negative: the new one is unusable and the last good view stays. */
int hermes_refresh(struct hermes *hermes);

const struct hermes_view *hermes_current(const struct hermes *hermes);
const struct hermes_view *hermes_view_ref(const struct hermes_view *view);
void hermes_view_unref(const struct hermes_view *view);

long long hermes_generation(const struct hermes_view *view);
const char *hermes_compiled_at(const struct hermes_view *view);
/* The exact bytes of the content value, as published. */
const char *hermes_content(const struct hermes_view *view, size_t *ret_len);
/* NULL when the sources name none. */
const char *hermes_default_provider(const struct hermes_view *view);
size_t hermes_provider_count(const struct hermes_view *view);
const struct hermes_provider *hermes_provider_at(const struct hermes_view *view, size_t index);
const struct hermes_provider *hermes_provider(const struct hermes_view *view, const char *id);
/* A variable of the env files; NULL when it is not set. */
const char *hermes_variable(const struct hermes_view *view, const char *name);

/* The first key of PROVIDER (NULL: the default one) that is neither cooling nor dead by compiled/cooldowns.json, which
 * is read again when it has changed. NULL when there is none. */
const struct hermes_credential *hermes_pick(struct hermes *hermes, const char *provider);

#ifdef __cplusplus
}
#endif

#endif
