/* What the profiles of a home leave to Hermes to choose. */
#ifndef HERMES_PROFILE_CHOICE_H
#define HERMES_PROFILE_CHOICE_H

#include "environment.h"
#include "must_check.h"
#include "sources.h"

/* Whether one of HOME's profiles names no provider, so that a first entry for OpenRouter in HOME's pool, which the
 * profile reads, would become its choice. False without looking where the sources of HOME have no such key. */
bool profile_choice_is_open(struct arena *arena, const char *home, const struct sources *sources,
                            const struct environment *environment) MUST_CHECK;

#endif
