/* Old spellings and places of settings, as Hermes moves them when it reads config.yaml. */
#ifndef HERMES_NORMALISE_H
#define HERMES_NORMALISE_H

#include "arena.h"
#include "must_check.h"
#include "node.h"

/* A map with pairs of its own. MAP may be NULL. */
struct node *normalise(struct arena *arena, const struct node *map) MUST_CHECK;

#endif
