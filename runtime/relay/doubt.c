#include "doubt.h"

#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "relay.h"

struct doubt {
    struct hermes_attempt key; /* with a reference to its view */
    struct hermes_judgement judgement;
    char code[EVIDENCE_CODE_SIZE];
    size_t try; /* its place in the record */
};

bool doubt_add(struct exchange *x, const struct attempt *attempt, const struct hermes_judgement *judgement)
{
    if (x->doubts == NULL)
        x->doubts = calloc(RECORD_TRIES, sizeof *x->doubts);
    if (x->doubts == NULL)
        return false;
    struct doubt *doubt = &x->doubts[x->doubt_count++];
    *doubt = (struct doubt){.key = attempt->key, .judgement = *judgement, .try = x->record.try_count - 1};
    (void)hermes_view_ref(attempt->key.view);
    memcpy(doubt->code, attempt->code, sizeof doubt->code);
    return true;
}

void doubt_forget(struct exchange *x)
{
    for (size_t i = 0; i < x->doubt_count; i++)
        hermes_view_unref(x->doubts[i].key.view);
    free(x->doubts);
    x->doubts = NULL;
    x->doubt_count = 0;
}

void doubt_book(struct exchange *x)
{
    for (size_t i = 0; i < x->doubt_count; i++)
        (void)hermes_report(atomic_load(&x->relay->hermes), &x->doubts[i].key, &x->doubts[i].judgement);
    doubt_forget(x);
}

static bool alike(const struct exchange *x)
{
    const struct doubt *first = &x->doubts[0];
    for (size_t i = 1; i < x->doubt_count; i++)
        if (x->doubts[i].judgement.status != first->judgement.status || strcmp(x->doubts[i].code, first->code) != 0)
            return false;
    return true;
}

void doubt_end(struct exchange *x)
{
    if (x->doubt_count < 2 || !alike(x)) {
        doubt_book(x);
        return;
    }
    for (size_t i = 0; i < x->doubt_count; i++) {
        struct record_try *try = &x->record.tries[x->doubts[i].try];
        try->verdict = "request-wrong";
        try->until = 0;
    }
    doubt_forget(x);
}
