#include "trouble.h"

#include <string.h>

#include "acquire.h"
#include "clock.h"
#include "exchange.h"
#include "metrics.h"
#include "relay.h"

enum { LINE_LIMIT = 16 * 1024 }; /* an error is shorter */

static void book(struct exchange *x, struct attempt *attempt, struct hermes_judgement *judgement)
{
    struct hermes *hermes = atomic_load(&x->relay->hermes);
    judgement->until = acquire_until(hermes, &attempt->key, judgement, clock_wall());
    (void)hermes_report(hermes, &attempt->key, judgement);
    struct record_try *try = &x->record.tries[x->record.try_count - 1];
    try->rule = judgement->rule;
    try->verdict = hermes_verdict_name(judgement->verdict);
    try->status = judgement->status;
    try->until = judgement->until;
    x->record.trouble = judgement->status;
    metrics_trouble(x->relay->metrics, attempt->key.provider->shown);
}

/* A whole line of the stream. Words in what is generated are no error: that stands deeper in an event. */
static void look_at_line(struct exchange *x, struct attempt *attempt, const char *line, size_t len)
{
    bool event = attempt->hold == HOLD_EVENT ? len > 5 && memcmp(line, "data:", 5) == 0 : len > 0 && *line == '{';
    if (!event || (memmem(line, len, "error", 5) == NULL && memmem(line, len, "failed", 6) == NULL))
        return;
    const struct hermes_answer answer = {
        .status = attempt->status, .body = line, .body_len = len, .model = attempt->key.use.model};
    struct hermes_judgement judgement = hermes_classify(&answer, clock_wall());
    attempt->troubled = judgement.verdict != HERMES_KEY_GOOD;
    if (attempt->troubled)
        book(x, attempt, &judgement);
}

/* Keeps the beginning of a line that is not whole; of one that is too long, nothing. */
static void keep(struct attempt *attempt, const char *bytes, size_t len)
{
    attempt->overlong =
        attempt->overlong || bytes_len(&attempt->line) + len > LINE_LIMIT || !bytes_add(&attempt->line, bytes, len);
    if (attempt->overlong)
        bytes_clear(&attempt->line);
}

void trouble_look(struct exchange *x, struct attempt *attempt, const char *bytes, size_t len)
{
    const char *end = bytes + len;
    bool streams = attempt->hold == HOLD_EVENT || attempt->hold == HOLD_LINE;
    while (streams && !attempt->troubled && bytes < end) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        if (newline == NULL) {
            keep(attempt, bytes, (size_t)(end - bytes));
            return;
        }
        if (bytes_len(&attempt->line) == 0 && !attempt->overlong) {
            look_at_line(x, attempt, bytes, (size_t)(newline - bytes));
        } else {
            keep(attempt, bytes, (size_t)(newline - bytes));
            look_at_line(x, attempt, bytes_at(&attempt->line), bytes_len(&attempt->line));
        }
        bytes_clear(&attempt->line);
        attempt->overlong = false;
        bytes = newline + 1;
    }
}
