/* Maps: merge keys, then the last of equal keys, as a Python dict would. */
#ifndef HERMES_YAML_MAP_H
#define HERMES_YAML_MAP_H

#include "yaml_loader.h"

/* To the composer a set is a mapping like any other. */
bool yaml_map_is(const struct node *node);
/* Makes MAP of its children. */
void yaml_map_finish(struct yaml_loader *l, struct node *map, const struct yaml_child *children, size_t count);
/* An item of !!omap or !!pairs is never made a dict of: its pair stays as it is written, and its key is a value like
 * any other. */
void yaml_map_finish_item(struct yaml_loader *l, struct node *map, const struct yaml_child *children, size_t count);

#endif
