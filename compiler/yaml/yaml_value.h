/* A scalar: its tag, and the value that it is of that tag. */
#ifndef HERMES_YAML_VALUE_H
#define HERMES_YAML_VALUE_H

#include "must_check.h"
#include "yaml_loader.h"

/* `<<` and `=` mean something only as keys; *RET_TAG says which one it is. */
struct node *yaml_value(struct yaml_loader *l, const yaml_event_t *event, enum yaml_tag *ret_tag) MUST_CHECK;
/* A tag that is written out. */
enum yaml_tag yaml_value_tag(const yaml_char_t *tag);

#endif
