/* hermes_watch.require_probe in the daemon: whether new keys work is asked beside the loop, and the home is compiled
 * again when the answer is there. Nobody waits; another edit puts another question. */
#ifndef HERMES_PROVE_H
#define HERMES_PROVE_H

#include "compile.h"
#include "http_job.h"

struct home_watch;

struct prover {
    struct proofs proofs; /* for the compile request: unchanged while a compile runs */
    struct probes asked;  /* in an arena of its own; NULL: nothing is under way */
    struct http_job job;
    bool answered; /* it has ended, and was not learned from yet */
    int error;     /* why it had not even begun; 0 */
};

/* Takes the answer that came while H was compiled. */
void prover_learn(struct home_watch *h);
void prover_after_compile(struct home_watch *h, const struct compilation *c);
/* What was answered is forgotten: the next compile asks anew. */
void prover_forget(struct prover *prover);
void prover_finish(struct prover *prover);

#endif
