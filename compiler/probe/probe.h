/* Whether a key works: the cheapest request of its provider that only a key opens, to the provider's own base URL.
 *
 *     struct probes probes = {.arena = arena};
 *     probes_add(&probes, provider, credential);
 *     probes_ask(&probes, &environment, &child);        the child asks all of them at once
 *     ...
 *     probes_answer(&probes, &child);                   when it has ended
 */
#ifndef HERMES_PROBE_H
#define HERMES_PROBE_H

#include "must_check.h"
#include "text.h"
#include "provider.h"
#include "environment.h"
#include "http_child.h"

enum probe_state {
    PROBE_UNASKED,     /* the provider has no request that proves a key, or no base URL */
    PROBE_UNREACHABLE, /* no answer, or one that says that the provider is out of order */
    PROBE_UNCLEAR,     /* an answer that says nothing of the key */
    PROBE_LIMITED,     /* the key is right and must wait */
    PROBE_REFUSED,     /* 401, 403, or another answer that means a dead key */
    PROBE_WORKS,
};

struct probe {
    const char *provider; /* its id */
    const char *base_url;
    struct fingerprint fingerprint;
    const struct origin *origin;  /* where the key stands first, or NULL */
    const struct provider *asked; /* only until probes_ask returns */
    const struct credential *credential;
    enum probe_state state;
    int status;        /* of HTTP; 0: none */
    const char *rule;  /* what decided, or NULL */
    const char *error; /* why there is no answer, or NULL */
};

struct probes {
    struct arena *arena; /* holds everything but what is good only until probes_ask returns */
    struct probe *items;
    size_t count;
    size_t capacity;
};

const char *probe_state_name(enum probe_state state);

void probes_add(struct probes *probes, const struct provider *provider, const struct credential *credential);
/* A copy that shares nothing with PROBES but what is good only until probes_ask returns. Origins are left out. */
struct probes probes_copy(const struct probes *probes, struct arena *arena);
/* 0; 1 when there is nobody to be asked, and no child; or a negative errno. */
int probes_ask(struct probes *probes, const struct environment *environment, struct http_child *child) MUST_CHECK;
/* CHILD has ended. A key without an answer is UNREACHABLE. */
void probes_answer(struct probes *probes, struct http_child *child);
/* There was no child, because of what probes_ask returned. */
void probes_fail(struct probes *probes, int error);
/* All of it, and the waiting in between. */
void probes_ask_and_wait(struct probes *probes, const struct environment *environment);

/* "refused (401)" */
const char *probe_words(struct arena *arena, const struct probe *probe);
void probes_print(const struct probes *probes, FILE *stream);
/* `"probes":[...]`, inside an object that is open. */
void probes_json(struct text *out, const struct probes *probes);

#endif
