#include "judge.h"

#include <string.h>

#include "acquire.h"
#include "clock.h"
#include "evidence.h"
#include "exchange.h"
#include "relay.h"

static struct hermes_answer answer_of(const struct attempt *attempt)
{
    size_t limit = hold_limit(attempt->hold);
    struct hermes_answer answer = {
        .status = attempt->headers_done ? attempt->status : 0,
        .headers = bytes_at(&attempt->headers),
        .headers_len = bytes_len(&attempt->headers),
        .body = bytes_at(&attempt->body),
        .body_len = bytes_len(&attempt->body) < limit ? bytes_len(&attempt->body) : limit,
        .model = attempt->key.use.model,
    };
    struct hold_piece piece;
    if (hold_enough(attempt->hold, answer.body, answer.body_len, &piece)) {
        answer.body += piece.start;
        answer.body_len = piece.end - piece.start;
    }
    return answer;
}

/* What a request that bills nobody is told of permission is of that endpoint: a key may chat and not list models. */
static bool is_of_endpoint(const struct exchange *x, const struct hermes_judgement *judgement)
{
    return x->harmless && judgement->verdict == HERMES_KEY_COOLING && judgement->scope == HERMES_SCOPE_KEY &&
           !judgement->proven && (judgement->status == 401 || judgement->status == 403);
}

struct hermes_judgement judge_attempt(struct exchange *x, struct attempt *attempt)
{
    double now = clock_wall();
    struct hermes_answer answer = answer_of(attempt);
    struct hermes_judgement judgement = hermes_classify(&answer, now);
    if (judgement.verdict == HERMES_KEY_GOOD && attempt->failed) { /* it broke off before it said anything */
        answer.status = 0;
        judgement = hermes_classify(&answer, now);
    }
    if (is_of_endpoint(x, &judgement))
        judgement.scope = HERMES_SCOPE_ENDPOINT;
    judgement.until = acquire_until(atomic_load(&x->relay->hermes), &attempt->key, &judgement, now);
    if (judgement.verdict != HERMES_KEY_GOOD)
        memcpy(attempt->code, evidence_of(&answer, now).code, sizeof attempt->code);
    return judgement;
}
