/* hermes_watch.require_probe in the daemon: whether new keys work is asked beside the loop, and the home is compiled
 * again when the answer is there. Nobody waits; another edit puts another question. */
#ifndef HERMES_PROVE_H
#define HERMES_PROVE_H

#include "compile.h"
#include "http_job.h"
#include "must_check.h"

struct prover {
    struct proofs proofs; /* for the compile request: unchanged while a compile runs */
    struct probes asked;  /* in an arena of its own; NULL: nothing is under way */
    struct http_job job;
    bool answered; /* it has ended, and was not learned from yet */
    int error;     /* why it had not even begun; 0 */
    sd_event *event;
    void (*learned)(void *owner);
    void *owner;
};

/* LEARNED is called from the loop when an answer is there: prove_learn() is due, as soon as no compile runs. */
void prove_open(struct prover *prover, sd_event *event, void (*learned)(void *owner), void *owner);
/* Takes the answer that came, perhaps while the home was compiled. True: it is to be compiled again. */
bool prove_learn(struct prover *prover) MUST_CHECK;
void prove_after_compile(struct prover *prover, const struct compilation *c);
/* What was answered is forgotten: the next compile asks anew. */
void prove_forget(struct prover *prover);
void prove_close(struct prover *prover);

#endif
