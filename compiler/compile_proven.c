#include "compile_proven.h"

#include "proof.h"

enum { MOST_ROUNDS = 4 };

void compile_proven(struct compilation *c, const struct compile_request *request)
{
    struct proofs proofs = {0};
    struct compile_request asking = *request;
    asking.proofs = &proofs;
    compile_home(c, &asking);
    for (int round = 0; c->outcome == COMPILE_UNPROVEN && round < MOST_ROUNDS; round++) {
        probes_ask_and_wait(&c->unproven, &c->environment);
        proofs_learn(&proofs, &c->unproven);
        compilation_finish(c);
        compile_home(c, &asking);
    }
    if (c->outcome == COMPILE_UNPROVEN)
        (void)diagnostic_add(&c->diagnostics, CODE_SOURCE_BUSY, (struct place){0},
                             "the keys changed each time their providers were asked");
    proofs_finish(&proofs);
}
