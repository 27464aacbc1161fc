/* Reads YAML 1.1 as PyYAML's CSafeLoader reads it for Hermes, from libyaml's events. */
#ifndef HERMES_YAML_LOAD_H
#define HERMES_YAML_LOAD_H

#include "must_check.h"
#include "node.h"

/* The document of SOURCE, or NULL when it cannot be read (then at least one error is in the list). An empty document
 * is a NODE_NULL. Places point into SOURCE. Pure: no I/O, no clock, no environment. */
struct node *yaml_load(struct arena *arena, const struct source *source, struct diagnostics *diagnostics) MUST_CHECK;

#endif
