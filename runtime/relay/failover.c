#include "failover.h"

#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "ask.h"
#include "body.h"
#include "clock.h"
#include "doubt.h"
#include "exchange.h"
#include "headers.h"
#include "judge.h"
#include "metrics.h"
#include "models.h"
#include "relay.h"
#include "reply.h"
#include "upstream.h"

static struct hermes *reader(struct exchange *x)
{
    return atomic_load(&x->relay->hermes);
}

/* --- Deciding --- */

static bool is_whole(const struct attempt *attempt)
{
    return attempt->done && !attempt->failed && attempt->status >= 400;
}

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
    answer_when(x);
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
    if (!attempt->failed || (attempt->headers_done && !unseen) || x->streaming || x->repeated ||
        !(unseen || x->idempotent))
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
    if (attempt->hold == HOLD_NOTHING || bytes_len(&attempt->body) >= hold_limit(attempt->hold))
        return true;
    if (attempt->limit < hold_limit(attempt->hold)) {
        attempt->limit = hold_limit(attempt->hold);
        upstream_continue(attempt);
    }
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
        answer_more(x, attempt, now_us);
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
    doubt_forget(x);
}
