#include "exchange.h"

#include <stdlib.h>

#include "clock.h"

enum { KEPT = 6 };

/* What an exchange grows, and leaves to the next one. */
static void kept_of(struct exchange *x, struct bytes *ret[KEPT])
{
    struct bytes *const kept[KEPT] = {&x->target,        &x->headers, &x->body,
                                      &x->fallback_body, &x->local,   &x->local_headers};
    for (size_t i = 0; i < KEPT; i++)
        ret[i] = kept[i];
}

struct exchange *exchange_take(struct exchanges *all)
{
    struct exchange *x = all->spare;
    if (x != NULL)
        all->spare = x->next;
    else
        x = calloc(1, sizeof *x);
    if (x == NULL)
        return NULL;
    x->all = all;
    x->relay = all->relay;
    x->retry_after = -1;
    return x;
}

static void forget_due(struct exchanges *all, const struct exchange *x)
{
    struct exchange **place = &all->due_first;
    all->due_last = NULL;
    while (*place != NULL) {
        if (*place == x) {
            *place = x->next_due;
            continue;
        }
        all->due_last = *place;
        place = &(*place)->next_due;
    }
}

void exchange_give(struct exchange *x)
{
    struct exchanges *all = x->all;
    struct exchange empty = {.next = all->spare};
    struct bytes *from[KEPT];
    struct bytes *to[KEPT];
    if (x->due)
        forget_due(all, x);
    kept_of(x, from);
    kept_of(&empty, to);
    for (size_t i = 0; i < KEPT; i++) {
        bytes_clear(from[i]);
        *to[i] = *from[i];
    }
    *x = empty;
    all->spare = x;
}

struct attempt *exchange_take_attempt(struct exchange *x)
{
    struct attempt *attempt = x->all->spare_attempts;
    if (attempt != NULL)
        x->all->spare_attempts = attempt->next;
    else
        attempt = calloc(1, sizeof *attempt);
    if (attempt == NULL)
        return NULL;
    *attempt = (struct attempt){.exchange = x,
                                .url = attempt->url,
                                .lines = attempt->lines,
                                .headers = attempt->headers,
                                .body = attempt->body,
                                .line = attempt->line,
                                .limit = HOLD_LIMIT,
                                .length = -1};
    attempt->lines.secret = true;
    attempt->started_us = attempt->active_us = clock_monotonic_us();
    return attempt;
}

void exchange_give_attempt(struct attempt *attempt)
{
    struct exchanges *all = attempt->exchange->all;
    bytes_wipe(&attempt->lines);
    bytes_clear(&attempt->url);
    bytes_clear(&attempt->headers);
    bytes_clear(&attempt->body);
    bytes_clear(&attempt->line);
    attempt->next = all->spare_attempts;
    all->spare_attempts = attempt;
}

void exchange_progress(struct attempt *attempt)
{
    struct exchange *x = attempt->exchange;
    struct exchanges *all = x->all;
    attempt->active_us = clock_monotonic_us();
    if ((x->now != attempt && x->gathering == NULL) || x->due)
        return;
    x->due = true;
    x->next_due = NULL;
    if (all->due_last != NULL)
        all->due_last->next_due = x;
    else
        all->due_first = x;
    all->due_last = x;
}

struct exchange *exchange_next_due(struct exchanges *all)
{
    struct exchange *x = all->due_first;
    if (x == NULL)
        return NULL;
    all->due_first = x->next_due;
    if (all->due_first == NULL)
        all->due_last = NULL;
    x->due = false;
    return x;
}

void exchange_finish(struct exchanges *all)
{
    for (struct exchange *x; (x = all->spare) != NULL;) {
        struct bytes *kept[KEPT];
        all->spare = x->next;
        kept_of(x, kept);
        for (size_t i = 0; i < KEPT; i++)
            bytes_finish(kept[i]);
        free(x);
    }
    for (struct attempt *attempt; (attempt = all->spare_attempts) != NULL;) {
        all->spare_attempts = attempt->next;
        bytes_finish(&attempt->url);
        bytes_finish(&attempt->lines);
        bytes_finish(&attempt->headers);
        bytes_finish(&attempt->body);
        bytes_finish(&attempt->line);
        free(attempt);
    }
}
