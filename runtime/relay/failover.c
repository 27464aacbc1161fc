#include "failover.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "acquire.h"
#include "egress.h"
#include "clock.h"
#include "relay.h"
#include "exchange.h"
#include "front.h"
#include "headers.h"
#include "mask.h"
#include "metrics.h"
#include "upstream.h"
#include "usage.h"
#include "worker.h"

_Static_assert((int)FAILOVER_TRIES <= (int)RECORD_TRIES, "each try has a place in the record");

static struct hermes *reader(struct exchange *x)
{
    return atomic_load(&x->relay->hermes);
}

static const char *verdict_name(enum hermes_verdict verdict)
{
    static const char *const names[] = {"good", "cooling", "dead", "provider-out", "request-wrong"};
    return names[verdict];
}

/* --- Asking --- */

static size_t pull(struct attempt *attempt, char *buffer, size_t size)
{
    struct exchange *x = attempt->exchange;
    size_t len = bytes_len(&x->body) < size ? bytes_len(&x->body) : size;
    attempt->active_us = clock_monotonic_us();
    if (len == 0)
        return x->body_complete ? 0 : UPSTREAM_LATER;
    memcpy(buffer, bytes_at(&x->body), len);
    bytes_take(&x->body, len);
    front_wake(x);
    return len;
}

static const char *variable(const void *view, const char *name)
{
    return hermes_variable(view, name);
}

static int send_attempt(struct exchange *x, struct attempt *attempt)
{
    const struct bytes *body = x->asking.model[0] != '\0' ? &x->fallback_body : &x->body;
    const char *method = x->record.method;
    /* A POST of nothing says so: some servers ask for a length. */
    bool has_body = x->body_length != 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
                    strcmp(method, "PATCH") == 0;
    struct upstream_request request = {
        .method = method,
        .headers = &attempt->lines,
        .body = has_body && !x->streaming ? bytes_len(body) > 0 ? bytes_at(body) : "" : NULL,
        .body_len = has_body && !x->streaming ? bytes_len(body) : 0,
        .pull = x->streaming ? pull : NULL,
        .pull_len = x->body_length,
        .again = x->harmless || x->idempotent,
    };
    if (!route_url(attempt->key.provider, &x->route, &attempt->url) ||
        !headers_for(&attempt->key, x->dialect, &x->headers, &attempt->lines) ||
        (x->streaming && x->body_length < 0 && !bytes_add_string(&attempt->lines, "Transfer-Encoding: chunked")))
        return -ENOMEM;
    request.url = attempt->url.data;
    request.egress = egress_to(request.url, variable, attempt->key.view);
    return upstream_begin(x->worker->upstream, attempt, &request);
}

static void note_try(struct exchange *x, const struct attempt *attempt)
{
    struct record_try *try = &x->record.tries[x->record.try_count++];
    *try = (struct record_try){.rule = "", .verdict = "asked"};
    (void)snprintf(try->provider, sizeof try->provider, "%s", attempt->key.provider->id);
    (void)snprintf(try->fingerprint, sizeof try->fingerprint, "%s", attempt->key.credential->fingerprint);
    memcpy(x->record.provider, try->provider, sizeof try->provider);
    memcpy(x->record.fingerprint, try->fingerprint, sizeof try->fingerprint);
    x->tried[x->tried_count++] = try->fingerprint;
}

/* Hermes pointed at the relay, and the relay at Hermes's provider. */
static bool is_this_relay(const struct exchange *x, const struct hermes_provider *provider)
{
    const char *host = strstr(provider->base_url, "://");
    size_t len = strlen(x->relay->address);
    return host != NULL && strncmp(host + 3, x->relay->address, len) == 0 &&
           (host[3 + len] == '/' || host[3 + len] == 0);
}

/* One key of the provider of now. 0, or what hermes_acquire says. */
static int ask(struct exchange *x)
{
    struct hermes_attempt key;
    int error = hermes_acquire(reader(x), x->asking.provider, x->tried, x->tried_count, &key);
    if (error != 0)
        return error;
    struct attempt *attempt = worker_attempt(x);
    if (attempt == NULL) {
        hermes_release(reader(x), &key);
        return -ENOMEM;
    }
    attempt->key = key;
    note_try(x, attempt);
    error = is_this_relay(x, key.provider) ? -ELOOP : send_attempt(x, attempt);
    if (error != 0) {
        attempt_give(attempt);
        return error;
    }
    x->now = attempt;
    return 0;
}

/* The next fallback that the configuration names; it has its own model, so there must be one to replace. */
static bool turn_to_fallback(struct exchange *x)
{
    const struct hermes_view *view = hermes_hold(reader(x));
    struct target target;
    bool found =
        !x->committed && !x->streaming && x->model.end > x->model.start && route_fallback(view, x->fallback, &target);
    hermes_view_unref(view);
    if (!found)
        return false;
    x->fallback++;
    x->asking = target;
    x->tried_count = 0;
    bytes_clear(&x->fallback_body);
    return model_replace(bytes_at(&x->body), bytes_len(&x->body), x->model, target.model, &x->fallback_body);
}

/* Asks whoever is left, within the budget. SAME: the provider of now may be asked with another key. 0 or why not. */
static int ask_next(struct exchange *x, bool same)
{
    int error = HERMES_EXHAUSTED;
    if (x->record.try_count > 0 && x->streaming)
        return error;
    while (x->record.try_count < FAILOVER_TRIES && clock_monotonic_us() - x->asked_us < FAILOVER_MS * 1000LL) {
        if (same) {
            int result = ask(x);
            if (result == 0)
                return 0;
            error = x->fallback == 0 ? result : error;
        }
        if (!turn_to_fallback(x))
            break;
        same = true;
    }
    return error;
}

/* --- Answering --- */

/* Seconds until a key of the first provider, or of a fallback that was turned to, is good again; -1: never, or now. */
static long long retry_after(struct exchange *x)
{
    const struct hermes_view *view = hermes_hold(reader(x));
    struct target target;
    double earliest = hermes_earliest(reader(x), x->first_provider);
    for (size_t i = 0; i < x->fallback && route_fallback(view, i, &target); i++)
        if (hermes_provider(view, target.provider) != NULL)
            earliest = fmin(earliest, hermes_earliest(reader(x), target.provider));
    hermes_view_unref(view);
    double left = ceil(earliest - clock_wall());
    return !isfinite(left) || left < 1 ? -1 : (long long)left;
}

/* What has come and not been looked at yet is masked, and may go out. */
static void make_ready(struct exchange *x, struct attempt *attempt)
{
    const char *key = attempt->key.credential->secret;
    char *fresh = bytes_at(&attempt->body) + attempt->ready;
    size_t len = bytes_len(&attempt->body) - attempt->ready;
    if (len == 0)
        return;
    size_t unfinished = mask_key(fresh, len, key, strlen(key));
    if (attempt->done && unfinished >= MASK_SHORTEST)
        memset(fresh + len - unfinished, '*', unfinished);
    size_t ready = attempt->done ? len : len - unfinished;
    usage_scan(fresh, ready, &x->tokens_in, &x->tokens_out);
    attempt->ready += ready;
}

static void answer_with(struct exchange *x, struct attempt *attempt)
{
    if (x->refusal != attempt)
        attempt_give(x->refusal);
    x->refusal = NULL;
    x->now = x->answer = attempt;
    attempt->judged = true;
    make_ready(x, attempt);
    if (!x->streaming && upstream_has_sent(attempt)) { /* a stream may go on for hours */
        bytes_finish(&x->body);
        bytes_finish(&x->fallback_body);
    }
    front_answer(x);
    upstream_continue(attempt);
}

static void remember(struct exchange *x, struct attempt *attempt)
{
    char type[64];
    const char *key = attempt->key.credential->secret;
    (void)mask_key(bytes_at(&attempt->body), bytes_len(&attempt->body), key, strlen(key));
    records_remember(x->relay->records, attempt->key.provider->id, attempt->status,
                     header_value(&attempt->headers, "content-type", type, sizeof type), bytes_at(&attempt->body),
                     bytes_len(&attempt->body));
}

static bool is_whole(const struct attempt *attempt)
{
    return attempt->done && !attempt->failed && attempt->status >= 400;
}

/* Nobody is left to be asked, and nobody has been. */
static void answer_unasked(struct exchange *x, int error)
{
    const struct {
        int error;
        int status;
        const char *words;
    } why[] = {{HERMES_NO_PROVIDER, 404, "the configuration has no such provider"},
               {HERMES_NO_KEY, 401, "there is no key for it"},
               {-ELOOP, 508, "that provider is this relay itself: ask for /<provider>/v1 instead"},
               {HERMES_EXHAUSTED, 429, "every key is cooling down"},
               {0, 500, "it could not be asked: out of memory, or too many headers"}};
    char message[256];
    int status = 0;
    size_t i = 0;
    long long after = error == HERMES_NO_PROVIDER ? -1 : retry_after(x);
    bytes_clear(&x->local);
    if (error == HERMES_EXHAUSTED &&
        records_recall(x->relay->records, x->first_provider, &status, x->local_type, sizeof x->local_type, &x->local)) {
        x->retry_after = after;
        front_reply(x, status, x->local_type, NULL);
        return;
    }
    while (why[i].error != error && why[i].error != 0)
        i++;
    bool dead = error == HERMES_EXHAUSTED && after < 0;
    (void)snprintf(message, sizeof message, "%s: %s", x->first_provider,
                   dead ? "every key has been refused; a new one is needed" : why[i].words);
    front_error(x, dead ? 401 : why[i].status, after, message);
}

static void answer_failure(struct exchange *x, struct attempt *attempt)
{
    char message[256];
    upstream_end(attempt);
    (void)snprintf(message, sizeof message, "%s could not be asked: %s", attempt->key.provider->id,
                   attempt->failure != NULL ? attempt->failure : "it sent no answer");
    front_error(x, attempt->timed_out ? 504 : 502, -1, message);
}

/* --- Deciding --- */

static void note_judgement(struct exchange *x, const struct attempt *attempt, const struct hermes_judgement *judgement)
{
    struct record_try *try = &x->record.tries[x->record.try_count - 1];
    try->rule = judgement->rule;
    try->verdict = verdict_name(judgement->verdict);
    try->status = judgement->status;
    try->until = judgement->until;
    try->us = clock_monotonic_us() - attempt->started_us;
}

static void note_switch(struct exchange *x, const struct record_try *left, bool asked)
{
    struct record_switch change = {clock_wall(), .rule = left->rule, .verdict = left->verdict, .status = left->status,
                                   .until = left->until};
    memcpy(change.provider, left->provider, sizeof change.provider);
    memcpy(change.fingerprint, left->fingerprint, sizeof change.fingerprint);
    memcpy(change.request, x->record.id, sizeof change.request);
    if (asked) {
        memcpy(change.to_provider, x->record.provider, sizeof change.to_provider);
        memcpy(change.to_fingerprint, x->record.fingerprint, sizeof change.to_fingerprint);
        metrics_failover(x->relay->metrics, left->provider);
    }
    records_switch(x->relay->records, &change);
}

/* The key, or the provider, was refused: somebody else's turn. */
static void refused(struct exchange *x, struct attempt *attempt, bool same)
{
    const struct record_try *left = &x->record.tries[x->record.try_count - 1];
    bool first = x->fallback == 0;
    bool asked = ask_next(x, same) == 0;
    note_switch(x, left, asked);
    if (is_whole(attempt))
        remember(x, attempt);
    if (asked) {
        upstream_end(attempt);
        if (is_whole(attempt) && (first || x->refusal == NULL)) {
            attempt_give(x->refusal);
            x->refusal = attempt;
        } else {
            attempt_give(attempt);
        }
        return;
    }
    x->retry_after = retry_after(x);
    if (x->refusal != NULL && (!first || attempt->status == 0)) {
        struct attempt *refusal = x->refusal;
        upstream_end(attempt);
        attempt_give(attempt);
        answer_with(x, refusal);
    } else if (attempt->status == 0) {
        answer_failure(x, attempt);
    } else {
        answer_with(x, attempt);
    }
}

static bool redirects(int status)
{
    return status >= 300 && status < 400 && status != 304;
}

static struct hermes_judgement classify(const struct attempt *attempt)
{
    struct hermes_answer answer = {
        .status = attempt->headers_done ? attempt->status : 0,
        .headers = bytes_at(&attempt->headers),
        .headers_len = bytes_len(&attempt->headers),
        .body = bytes_at(&attempt->body),
        .body_len = bytes_len(&attempt->body) < HOLD_LIMIT ? bytes_len(&attempt->body) : HOLD_LIMIT,
    };
    size_t event;
    if (attempt->hold == HOLD_EVENT && hold_first_event(answer.body, answer.body_len, &event))
        answer.body_len = event;
    struct hermes_judgement judgement = hermes_classify(&answer, clock_wall());
    judgement.until = acquire_until(attempt->key.view, &judgement, clock_wall());
    return judgement;
}

/* What may have been charged for is asked again only with an idempotency key, and only where that key is known. */
static void judge(struct exchange *x, struct attempt *attempt)
{
    struct hermes_judgement judgement = classify(attempt);
    bool elsewhere = x->fallback > 0 && (attempt->status == 404 || attempt->status == 405);
    note_judgement(x, attempt, &judgement);
    (void)hermes_report(reader(x), &attempt->key, &judgement);
    bool charged = attempt->failed && (attempt->headers_done ? attempt->status < 400 : attempt->sent && !x->harmless);
    if (charged && (attempt->headers_done || !x->idempotent)) {
        answer_failure(x, attempt);
    } else if (charged) {
        x->committed = true;
        refused(x, attempt, true);
    } else if (attempt->headers_done && redirects(attempt->status)) {
        attempt->failure = "it answered with a redirect, which is not followed";
        answer_failure(x, attempt);
    } else if (judgement.verdict == HERMES_PROVIDER_OUT || elsewhere) {
        refused(x, attempt, false);
    } else if (judgement.verdict == HERMES_KEY_COOLING || judgement.verdict == HERMES_KEY_DEAD) {
        refused(x, attempt, true);
    } else if (attempt->status == 0) {
        answer_failure(x, attempt);
    } else {
        answer_with(x, attempt);
    }
}

static bool can_be_judged(const struct exchange *x, struct attempt *attempt, long long now_us)
{
    char type[128];
    size_t event;
    if (attempt->done)
        return true;
    if (!attempt->headers_done)
        return false;
    if (strcmp(x->record.method, "HEAD") == 0)
        return true;
    attempt->hold = hold_for(attempt->status, header_value(&attempt->headers, "content-type", type, sizeof type));
    if (attempt->hold == HOLD_NOTHING || bytes_len(&attempt->body) >= HOLD_LIMIT)
        return true;
    return attempt->hold == HOLD_EVENT &&
           (hold_first_event(bytes_at(&attempt->body), bytes_len(&attempt->body), &event) ||
            now_us - attempt->started_us > HOLD_EVENT_MS * 1000LL);
}

static void check_idle(struct attempt *attempt, long long now_us)
{
    if (attempt->done || now_us - attempt->active_us < ANSWER_IDLE_MS * 1000LL)
        return;
    upstream_end(attempt);
    attempt->done = attempt->failed = attempt->timed_out = attempt->sent = true;
    attempt->failure = "it did not answer in time";
}

void failover_step(struct exchange *x, long long now_us)
{
    struct attempt *attempt = x->now;
    if (attempt == NULL)
        return;
    check_idle(attempt, now_us);
    if (x->answer == attempt) {
        make_ready(x, attempt);
        front_wake(x);
    } else if (!attempt->judged && can_be_judged(x, attempt, now_us)) {
        attempt->judged = true;
        judge(x, attempt);
    }
}

/* --- Beginning and end --- */

/* The provider that the path or the model names, else the default one. 0 or HERMES_NO_PROVIDER. */
static int choose_provider(struct exchange *x, const struct hermes_view *view)
{
    const char *name = x->route.provider[0] != '\0' ? x->route.provider : hermes_default_provider(view);
    const struct hermes_provider *provider = name == NULL ? NULL : hermes_provider(view, name);
    size_t cut = 0;
    if (x->route.provider[0] == '\0' && x->model.end > x->model.start) {
        const struct hermes_provider *named =
            route_by_model(view, bytes_at(&x->body) + x->model.start, x->model.end - x->model.start, &cut);
        provider = named != NULL ? named : provider;
    }
    (void)snprintf(x->first_provider, sizeof x->first_provider, "%s",
                   provider != NULL ? provider->id
                   : name != NULL   ? name
                                    : "by default");
    memcpy(x->asking.provider, x->first_provider, sizeof x->asking.provider);
    if (cut > 0) {
        char *model = bytes_at(&x->body) + x->model.start;
        memmove(model, model + cut, bytes_len(&x->body) - x->model.start - cut);
        x->body.end -= cut;
        x->model.end -= cut;
    }
    return provider == NULL ? HERMES_NO_PROVIDER : 0;
}

void failover_begin(struct exchange *x)
{
    struct hermes *hermes = relay_hermes(x->relay);
    if (hermes == NULL) {
        front_error(x, 503, -1, "there is no usable snapshot yet; hermes-compile makes one");
        return;
    }
    x->asked_us = clock_monotonic_us();
    if (!x->streaming && !model_find(bytes_at(&x->body), bytes_len(&x->body), &x->model))
        x->model = (struct model_place){0, 0};
    const struct hermes_view *view = hermes_hold(hermes);
    int error = choose_provider(x, view);
    hermes_view_unref(view);
    if (error == 0)
        error = ask_next(x, true);
    if (error != 0)
        answer_unasked(x, error);
}

void failover_abandon(struct exchange *x)
{
    if (x->now != NULL && x->now != x->refusal)
        attempt_give(x->now);
    attempt_give(x->refusal);
    x->now = x->answer = x->refusal = NULL;
}

void attempt_give(struct attempt *attempt)
{
    if (attempt == NULL)
        return;
    struct worker *worker = attempt->exchange->worker;
    upstream_end(attempt);
    if (attempt->key.view != NULL)
        hermes_release(reader(attempt->exchange), &attempt->key);
    bytes_wipe(&attempt->lines);
    bytes_clear(&attempt->url);
    bytes_clear(&attempt->headers);
    bytes_clear(&attempt->body);
    attempt->next = worker->spare_attempts;
    worker->spare_attempts = attempt;
}
