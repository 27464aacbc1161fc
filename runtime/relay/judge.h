/* What an attempt's answer means for its key. */
#ifndef HERMES_JUDGE_H
#define HERMES_JUDGE_H

#include "hermes_runtime.h"

struct attempt;
struct exchange;

/* Until when the key is out is as the configuration has it. Fills ATTEMPT's code. */
struct hermes_judgement judge_attempt(struct exchange *x, struct attempt *attempt);

#endif
