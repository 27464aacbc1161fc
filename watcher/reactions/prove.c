#include "prove.h"

#include <string.h>

#include "home_watch.h"
#include "watcher.h"

static void stop(struct prover *prover)
{
    http_job_stop(&prover->job);
    http_child_stop(&prover->job.child);
    prover->answered = false;
    arena_destroy(prover->asked.arena);
    prover->asked = (struct probes){0};
}

void prover_learn(struct home_watch *h)
{
    struct prover *prover = &h->prover;
    if (!prover->answered)
        return;
    prover->answered = false;
    if (prover->error == 0)
        probes_answer(&prover->asked, &prover->job.child);
    else
        probes_fail(&prover->asked, prover->error);
    proofs_learn(&prover->proofs, &prover->asked);
    stop(prover);
    home_watch_request(h);
}

static void at_answer(void *home, int error)
{
    struct home_watch *h = home;
    h->prover.answered = true;
    h->prover.error = error;
    if (!h->compiling)
        prover_learn(h);
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

void prover_after_compile(struct home_watch *h, const struct compilation *c)
{
    struct prover *prover = &h->prover;
    if (prover->answered)
        return; /* while this was compiled: it is compiled again */
    if (c->outcome == COMPILE_UNPROVEN && prover->asked.arena != NULL && same_question(&prover->asked, &c->unproven))
        return;
    stop(prover);
    if (c->outcome != COMPILE_UNPROVEN)
        return;
    struct arena *arena = arena_create();
    prover->asked = probes_copy(&c->unproven, arena); /* C does not live until the answer is there */
    int error = probes_ask(&prover->asked, &c->environment, &prover->job.child);
    http_job_watch(&prover->job, h->watcher->event, error, at_answer, h);
}

void prover_forget(struct prover *prover)
{
    proofs_finish(&prover->proofs);
}

void prover_finish(struct prover *prover)
{
    stop(prover);
    prover_forget(prover);
}
