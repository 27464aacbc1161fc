#include "prove.h"

#include <string.h>

#include "memory.h"

static void stop(struct prover *prover)
{
    http_job_stop(&prover->job);
    http_child_stop(&prover->job.child);
    prover->answered = false;
    arena_destroy(prover->asked.arena);
    prover->asked = (struct probes){0};
}

void prove_open(struct prover *prover, sd_event *event, void (*learned)(void *owner), void *owner)
{
    *prover = (struct prover){.event = event, .learned = learned, .owner = owner};
}

static void learn(void *data)
{
    struct prover *prover = data;
    if (prover->error == 0)
        probes_answer(&prover->asked, &prover->job.child);
    else
        probes_fail(&prover->asked, prover->error);
    proofs_learn(&prover->proofs, &prover->asked);
}

bool prove_learn(struct prover *prover)
{
    if (!prover->answered)
        return false;
    bool learned = memory_try(learn, prover);
    (void)learned; /* else the next compile asks again */
    stop(prover);
    return true;
}

static void at_answer(void *data, int error)
{
    struct prover *prover = data;
    prover->answered = true;
    prover->error = error;
    prover->learned(prover->owner);
}

static bool same_question(const struct probes *a, const struct probes *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->items[i].fingerprint.text, b->items[i].fingerprint.text) == 0 &&
               strcmp(a->items[i].provider, b->items[i].provider) == 0 &&
               strcmp(a->items[i].base_url, b->items[i].base_url) == 0;
    return same;
}

void prove_after_compile(struct prover *prover, const struct compilation *c)
{
    if (prover->answered)
        return; /* while this was compiled: it is compiled again */
    if (c->outcome == COMPILE_UNPROVEN && prover->asked.arena != NULL && same_question(&prover->asked, &c->unproven))
        return;
    stop(prover);
    if (c->outcome != COMPILE_UNPROVEN)
        return;
    prover->asked.arena = arena_create();
    prover->asked = probes_copy(&c->unproven, prover->asked.arena); /* C does not live until the answer is there */
    int error = probes_ask(&prover->asked, &c->environment, &prover->job.child);
    http_job_watch(&prover->job, prover->event, error, at_answer, prover);
}

void prove_forget(struct prover *prover)
{
    proofs_finish(&prover->proofs);
}

void prove_close(struct prover *prover)
{
    stop(prover);
    prove_forget(prover);
}
