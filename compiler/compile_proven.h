/* A compile whose new keys are asked about, where hermes_watch.require_probe wants it (proof.h). */
#ifndef HERMES_COMPILE_PROVEN_H
#define HERMES_COMPILE_PROVEN_H

#include "compile.h"

/* compile_home, with the asking and the waiting. REQUEST's proofs are not used. */
void compile_proven(struct compilation *compilation, const struct compile_request *request);

#endif
