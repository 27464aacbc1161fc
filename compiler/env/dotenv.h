/* Reads an env file as Hermes's gateway reads it at start: its sanitiser, then python-dotenv's grammar, then what it
 * does to credential variables. */
#ifndef HERMES_DOTENV_H
#define HERMES_DOTENV_H

#include "environment.h"

/* Adds SOURCE's bindings over those that are in ENVIRONMENT (a later call's file beats an earlier one's, as
 * python-dotenv's override=True does; `${X}` may refer to what an earlier file set). Losing bindings of duplicates are
 * warned about. Pure. */
void dotenv_load(struct arena *arena, const struct source *source, struct environment *environment,
                 struct diagnostics *diagnostics);

#endif
