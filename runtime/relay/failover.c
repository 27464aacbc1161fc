#include "failover.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "acquire.h"
#include "ask.h"
#include "body.h"
#include "classify.h"
#include "clock.h"
#include "doubt.h"
#include "exchange.h"
#include "headers.h"
#include "judge.h"
#include "lives.h"
#include "mask.h"
#include "metrics.h"
#include "models.h"
#include "relay.h"
#include "reply.h"
#include "trouble.h"
#include "upstream.h"
#include "usage.h"

static struct hermes *reader(struct exchange *x)
{
    return atomic_load(&x->relay->hermes);
}

/* --- Answering --- */

/* Of a cooldown that no provider gave a time for, so much may be told by the relay, which knows when it asks again. */
enum { KNOWN_GUESS_S = 60 };

/* The state of the key that is good again first: of the first provider, or of a fallback that was turned to. */
static struct hermes_key_state earliest(struct exchange *x)
{
    const struct hermes_view *view = hermes_hold(reader(x));
    struct target target;
    struct hermes_use use = {x->first_model[0] != '\0' ? x->first_model : NULL, x->use_endpoint};
    struct hermes_key_state first = acquire_earliest(reader(x), x->first_provider, &use);
    for (size_t i = 0; i < x->fallback && route_fallback(view, i, &target); i++) {
        use.model = target.model;
        if (hermes_provider(view, target.provider) == NULL)
            continue;
        struct hermes_key_state state = acquire_earliest(reader(x), target.provider, &use);
        first = state.until < first.until ? state : first;
    }
    hermes_view_unref(view);
    return first;
}

/* Seconds until STATE is over; -1: never, or now. A client waits as long as it is told, so that beyond LONGEST_GUESS
 * only the provider's own word is passed on. */
static long long retry_after(const struct hermes_key_state *state, long long longest_guess)
{
    double left = ceil(state->until - clock_wall());
    if (!isfinite(left) || left < 1)
        return -1;
    return classify_rule_given(state->rule) || left <= (double)longest_guess ? (long long)left : -1;
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
    trouble_look(x, attempt, fresh, ready);
    attempt->ready += ready;
    attempt->spoken_us = clock_monotonic_us();
    for (size_t i = ready < 2 ? 0 : ready - 2; i < ready; i++) {
        attempt->last[0] = attempt->last[1];
        attempt->last[1] = fresh[i];
    }
}

/* Between two events of a stream that is silent for long, a comment lets everybody on the way know that it goes on. */
static void break_silence(struct attempt *attempt, long long now_us)
{
    static const char comment[] = ": waiting\n\n";
    bool between = attempt->last[1] == '\n' && (attempt->last[0] == '\n' || attempt->last[0] == '\r');
    if (attempt->hold != HOLD_EVENT || attempt->length >= 0 || attempt->done || !between ||
        bytes_len(&attempt->body) > 0 || now_us - attempt->spoken_us < SILENCE_MS * 1000LL)
        return;
    if (bytes_add(&attempt->body, comment, sizeof comment - 1))
        attempt->ready += sizeof comment - 1;
    attempt->spoken_us = now_us;
}

static void answer_with(struct exchange *x, struct attempt *attempt)
{
    if (x->refusal != attempt)
        ask_give(x->refusal);
    x->refusal = NULL;
    x->now = attempt;
    attempt->judged = true;
    if (x->lists && models_gather(x, attempt))
        return;
    x->answer = attempt;
    attempt->limit = ANSWER_BUFFER;
    lives_note(x, attempt);
    make_ready(x, attempt);
    if (!x->streaming && upstream_has_sent(attempt)) { /* a stream may go on for hours */
        bytes_finish(&x->body);
        bytes_finish(&x->fallback_body);
    }
    reply_answer(x);
    upstream_continue(attempt);
}

static bool is_whole(const struct attempt *attempt)
{
    return attempt->done && !attempt->failed && attempt->status >= 400;
}

/* Another program of the client's maker would do: its dialect is not the provider's. */
static void answer_dialect(struct exchange *x, int status, const char *provider)
{
    char message[256];
    const struct hermes_view *view = hermes_hold(reader(x));
    const struct hermes_provider *known = hermes_provider(view, provider);
    (void)snprintf(message, sizeof message, "%s speaks %s's dialect, and this request is in %s's", provider,
                   known == NULL ? "another" : route_dialect_name(route_speaks(known->base_url, known->auth)),
                   route_dialect_name(x->dialect));
    hermes_view_unref(view);
    reply_error(x, status, -1, message);
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
               {-EKEYREVOKED, 410, "what it asks for lives with a key that is no longer there"},
               {-ENOENT, 404, "its base URL does not begin with that path"},
               {-ELOOP, 508, "that provider is this relay itself: ask for /<provider>/v1 instead"},
               {HERMES_EXHAUSTED, 429, "every key is cooling down"},
               {0, 500, "it could not be asked: out of memory, or too many headers"}};
    char message[256];
    char code[EVIDENCE_CODE_SIZE] = "";
    size_t i = 0;
    if (error == -EPROTONOSUPPORT) {
        answer_dialect(x, 400, x->first_provider);
        return;
    }
    while (why[i].error != error && why[i].error != 0)
        i++;
    struct hermes_key_state state = {.rule = ""};
    if (error == HERMES_EXHAUSTED)
        state = earliest(x);
    bool dead = isinf(state.until);
    int status = dead ? 401 : state.status >= 400 && state.status < 500 ? state.status : why[i].status;
    if (error == HERMES_EXHAUSTED)
        records_recall(x->relay->records, x->first_provider, status, code, sizeof code);
    (void)snprintf(message, sizeof message, "%s: %s", x->first_provider,
                   dead ? "every key has been refused; a new one is needed" : why[i].words);
    reply_error_code(x, status, code, retry_after(&state, KNOWN_GUESS_S), message);
}

/* The body says nothing that can be read of whom it is for. */
static void answer_unreadable(struct exchange *x, int error)
{
    if (error == -ENOTSUP)
        reply_error(x, 415, -1,
                    "the body's encoding is not known: send it without one, or name the provider in the path");
    else if (error == -EINVAL)
        reply_error(x, 400, -1, "the body is not in the encoding that it says");
    else if (error == -E2BIG)
        reply_error(x, 413, -1, "the body is too large when it is decoded");
    else
        reply_error(x, 500, -1, "out of memory");
}

static void answer_failure(struct exchange *x, struct attempt *attempt)
{
    char message[256];
    upstream_end(attempt);
    (void)snprintf(message, sizeof message, "%s could not be asked: %s", attempt->key.provider->id,
                   attempt->failure != NULL ? attempt->failure : "it sent no answer");
    reply_error(x, attempt->timed_out ? 504 : 502, -1, message);
}

/* --- Deciding --- */

static void note_judgement(struct exchange *x, const struct attempt *attempt, const struct hermes_judgement *judgement)
{
    struct record_try *try = &x->record.tries[x->record.try_count - 1];
    try->rule = judgement->rule;
    try->verdict = hermes_verdict_name(judgement->verdict);
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
        records_remember(x->relay->records, attempt->key.provider->id, attempt->status, attempt->code);
    if (!asked || strcmp(left->provider, x->record.provider) != 0)
        doubt_end(x);
    if (asked) {
        upstream_end(attempt);
        if (is_whole(attempt) && (first || x->refusal == NULL)) {
            ask_give(x->refusal);
            x->refusal = attempt;
        } else {
            ask_give(attempt);
        }
        return;
    }
    struct hermes_key_state first_good = earliest(x);
    x->retry_after = retry_after(&first_good, 0);
    if (x->refusal != NULL && (!first || attempt->status == 0)) {
        struct attempt *refusal = x->refusal;
        upstream_end(attempt);
        ask_give(attempt);
        answer_with(x, refusal);
    } else if (attempt->status == 0) {
        answer_failure(x, attempt);
    } else {
        answer_with(x, attempt);
    }
}

/* The path is not there, and it is not one of the provider's own dialect. */
static bool lacks_dialect(const struct exchange *x, const struct attempt *attempt)
{
    enum dialect spoken = route_speaks(attempt->key.credential->base_url, attempt->key.provider->auth);
    return (attempt->status == 404 || attempt->status == 405) && spoken == DIALECT_OPENAI &&
           x->dialect != DIALECT_ANY && x->dialect != DIALECT_OPENAI;
}

static bool redirects(int status)
{
    return status >= 300 && status < 400 && status != 304;
}

static void book(struct exchange *x, const struct attempt *attempt, const struct hermes_judgement *judgement)
{
    bool of_key = judgement->verdict == HERMES_KEY_COOLING || judgement->verdict == HERMES_KEY_DEAD;
    if (of_key && !judgement->proven && judgement->scope != HERMES_SCOPE_REQUEST && doubt_add(x, attempt, judgement))
        return;
    if (judgement->verdict == HERMES_KEY_GOOD || judgement->verdict == HERMES_REQUEST_WRONG)
        doubt_book(x); /* this key was taken: the others were refused for what they are */
    (void)hermes_report(reader(x), &attempt->key, judgement);
}

/* The same request with the same key once more, where the provider had no part in the first time, or knows it by its
 * idempotency key: each account knows its own only. */
static bool repeated(struct exchange *x, struct attempt *attempt)
{
    bool unseen = attempt->untouched && !attempt->timed_out;
    if (!attempt->failed || attempt->headers_done || x->streaming || x->repeated || !(unseen || x->idempotent))
        return false;
    x->repeated = true;
    if (ask_again(x, attempt) != 0)
        return false;
    ask_give(attempt);
    return true;
}

/* What may have been charged for is not asked again. */
static void judge(struct exchange *x, struct attempt *attempt)
{
    struct hermes_judgement judgement = judge_attempt(x, attempt);
    bool elsewhere = x->fallback > 0 && (attempt->status == 404 || attempt->status == 405);
    note_judgement(x, attempt, &judgement);
    if (repeated(x, attempt))
        return;
    book(x, attempt, &judgement);
    bool charged = attempt->failed && (attempt->headers_done ? attempt->status < 400 : attempt->sent && !x->harmless);
    if (charged) {
        answer_failure(x, attempt);
    } else if (lacks_dialect(x, attempt) && !elsewhere) {
        upstream_end(attempt);
        answer_dialect(x, 404, attempt->key.provider->id);
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
    struct hold_piece piece;
    if (!attempt->headers_done)
        return attempt->done;
    attempt->hold = hold_for(attempt->status, headers_value(&attempt->headers, "content-type", type, sizeof type));
    if (attempt->done || strcmp(x->record.method, "HEAD") == 0)
        return true;
    if (x->lists)
        return bytes_len(&attempt->body) >= LIST_LIMIT;
    if (attempt->hold == HOLD_NOTHING || bytes_len(&attempt->body) >= HOLD_LIMIT)
        return true;
    if (hold_enough(attempt->hold, bytes_at(&attempt->body), bytes_len(&attempt->body), &piece))
        return true;
    return (attempt->hold == HOLD_EVENT || attempt->hold == HOLD_LINE) &&
           now_us - attempt->started_us > HOLD_EVENT_MS * 1000LL;
}

static void check_idle(struct attempt *attempt, long long now_us)
{
    if (attempt->done || now_us - attempt->active_us < ANSWER_IDLE_MS * 1000LL)
        return;
    upstream_end(attempt);
    attempt->done = attempt->failed = attempt->timed_out = attempt->sent = true;
    attempt->failure = "it did not answer in time";
}

/* --- The story of a request --- */

void failover_begin(struct exchange *x)
{
    if (relay_hermes(x->relay) == NULL) {
        reply_error(x, 503, -1, "there is no usable snapshot yet; hermes-compile makes one");
        return;
    }
    int error = body_look(x);
    if (error != 0) {
        answer_unreadable(x, error);
        return;
    }
    if (models_begin(x))
        return;
    error = ask_first(x);
    if (error != 0)
        answer_unasked(x, error);
}

void failover_step(struct exchange *x, long long now_us)
{
    struct attempt *attempt = x->now;
    if (x->gathering != NULL) {
        models_step(x, now_us);
        return;
    }
    if (attempt == NULL)
        return;
    check_idle(attempt, now_us);
    if (x->answer == attempt) {
        make_ready(x, attempt);
        break_silence(attempt, now_us);
        x->wake(x);
    } else if (!attempt->judged && can_be_judged(x, attempt, now_us)) {
        attempt->judged = true;
        judge(x, attempt);
    }
}

void failover_abandon(struct exchange *x)
{
    if (x->now != x->refusal)
        ask_give(x->now);
    ask_give(x->refusal);
    models_abandon(x);
    x->now = x->answer = x->refusal = NULL;
    doubt_end(x);
}
