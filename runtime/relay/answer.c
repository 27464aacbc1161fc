#include "answer.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "acquire.h"
#include "ask.h"
#include "classify.h"
#include "clock.h"
#include "exchange.h"
#include "lives.h"
#include "mask.h"
#include "models.h"
#include "plain_name.h"
#include "relay.h"
#include "reply.h"
#include "trouble.h"
#include "upstream.h"
#include "usage.h"

static struct hermes *reader(struct exchange *x)
{
    return atomic_load(&x->relay->hermes);
}

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
    silence_end(&attempt->silence, fresh, ready, clock_monotonic_us());
}

static void break_silence(struct attempt *attempt, long long now_us)
{
    static const char comment[] = ": waiting\n\n";
    if (attempt->hold != HOLD_EVENT || attempt->length >= 0 || attempt->done || bytes_len(&attempt->body) > 0 ||
        !silence_is_long(&attempt->silence, now_us))
        return;
    if (bytes_add(&attempt->body, comment, sizeof comment - 1))
        attempt->ready += sizeof comment - 1;
    silence_end(&attempt->silence, comment, sizeof comment - 1, now_us);
}

void answer_more(struct exchange *x, struct attempt *attempt, long long now_us)
{
    make_ready(x, attempt);
    break_silence(attempt, now_us);
    x->wake(x);
}

void answer_when(struct exchange *x)
{
    struct hermes_key_state first_good = earliest(x);
    x->retry_after = retry_after(&first_good, 0);
}

void answer_with(struct exchange *x, struct attempt *attempt)
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
    attempt->silence.since_us = clock_monotonic_us();
    lives_note(x, attempt);
    make_ready(x, attempt);
    if (!x->streaming && upstream_has_sent(attempt)) { /* a stream may go on for hours */
        bytes_finish(&x->body);
        bytes_finish(&x->fallback_body);
    }
    reply_answer(x);
    upstream_continue(attempt);
}

void answer_dialect(struct exchange *x, int status, const char *provider)
{
    char message[256];
    struct fingerprint print;
    const struct hermes_view *view = hermes_hold(reader(x));
    const struct hermes_provider *known = hermes_provider(view, provider);
    (void)snprintf(message, sizeof message, "%s speaks %s's dialect, and this request is in %s's",
                   plain_name_or_print(provider, &print),
                   known == NULL ? "another" : route_dialect_name(route_speaks(known->base_url, known->auth)),
                   route_dialect_name(x->dialect));
    hermes_view_unref(view);
    reply_error(x, status, -1, message);
}

void answer_unasked(struct exchange *x, int error)
{
    const struct {
        int error;
        int status;
        const char *words;
    } why[] = {{HERMES_NO_PROVIDER, 404, "the configuration has no such provider"},
               {HERMES_NO_KEY, 401, "there is no key for it"},
               {-EKEYREVOKED, 410, "what it refers to belongs to a key that is no longer configured"},
               {-ENOENT, 404, "its base URL does not begin with that path"},
               {-ELOOP, 508, "that provider is this relay itself: ask for /<provider>/v1 instead"},
               {HERMES_EXHAUSTED, 429, "every key is cooling down"},
               {0, 500, "the request could not be sent: out of memory, or too many headers"}};
    char message[256];
    struct fingerprint print;
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
    (void)snprintf(message, sizeof message, "%s: %s", plain_name_or_print(x->first_provider, &print),
                   dead ? "every key has been refused; a new one is needed" : why[i].words);
    reply_error_code(x, status, code, retry_after(&state, KNOWN_GUESS_S), message);
}

void answer_unreadable(struct exchange *x, int error)
{
    if (error == -ENOTSUP)
        reply_error(
            x, 415, -1,
            "the body's Content-Encoding is not supported: send it without one, or name the provider in the path");
    else if (error == -EINVAL)
        reply_error(x, 400, -1, "the body does not match its Content-Encoding");
    else if (error == -E2BIG)
        reply_error(x, 413, -1, "the decoded body is too large");
    else
        reply_error(x, 500, -1, "out of memory");
}

void answer_failure(struct exchange *x, struct attempt *attempt)
{
    char message[256];
    upstream_end(attempt);
    (void)snprintf(message, sizeof message, "the request to %s failed: %s", attempt->key.provider->shown,
                   attempt->failure != NULL ? attempt->failure : "it sent no answer");
    reply_error(x, attempt->timed_out ? 504 : 502, -1, message);
}
