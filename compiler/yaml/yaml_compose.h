/* The values of a document, from libyaml's events. */
#ifndef HERMES_YAML_COMPOSE_H
#define HERMES_YAML_COMPOSE_H

#include "must_check.h"
#include "yaml_loader.h"

/* Exactly one document, or none: then null. NULL: it failed. */
struct node *yaml_compose(struct yaml_loader *l, const struct yaml_input *in) MUST_CHECK;

#endif
