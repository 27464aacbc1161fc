/* hermes_watch.require_probe: a key that is new for a provider replaces a working one only when the provider does not
 * refuse it. Compiling never waits for an answer: it ends with COMPILE_UNPROVEN and says whom to ask; whoever compiles
 * asks, learns, and compiles again.
 *
 *     struct proofs proofs = {0};
 *     compile_home(&c, &(struct compile_request){..., .write = true, .proofs = &proofs});
 *     if (c.outcome == COMPILE_UNPROVEN) {
 *         probes_ask_and_wait(&c.unproven, &c.environment);
 *         proofs_learn(&proofs, &c.unproven);
 *         ... and again ...
 *     }
 *     proofs_finish(&proofs);
 */
#ifndef HERMES_PROOF_H
#define HERMES_PROOF_H

#include "hermes_runtime.h"
#include "probe.h"

/* What was answered lately, so that saving a file again asks nobody again. No keys are in it. */
struct proofs {
    struct proof *items;
    size_t count;
};

void proofs_learn(struct proofs *proofs, const struct probes *answered);
/* Everything, so that the next compile asks anew. */
void proofs_finish(struct proofs *proofs);

/* Looks at each key that PREVIOUS does not have for a provider of which it has another. Says what was refused (an
 * error) or could not be proven (a warning); returned is what nobody was asked about yet. PREVIOUS may be NULL. */
struct probes proofs_check(const struct proofs *proofs, const struct providers *providers,
                           const struct hermes_view *previous, struct diagnostics *diagnostics);

#endif
