/* The sources of secrets that `secrets` switches on: Hermes asks them when it starts, for variables that no file has.
 * What they give is Hermes's, and never a key of ours. */
#ifndef HERMES_SECRET_SOURCES_H
#define HERMES_SECRET_SOURCES_H

#include "node.h"

/* Whether one of ALL (the section `secrets`, or NULL) may set the variable NAME. NULL: whether there is one at all. */
bool secret_sources_may_set(const struct node *all, const char *name);
/* Whether one of them is told to set NAME, over whatever a file says. */
bool secret_sources_replace(const struct node *all, const char *name);

#endif
