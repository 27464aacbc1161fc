/* Maps that are made of others. Only one that was made here may be changed: those that were read stay as they are. */
#ifndef HERMES_MAP_EDIT_H
#define HERMES_MAP_EDIT_H

#include "arena.h"
#include "must_check.h"
#include "node.h"

struct node *map_edit_copy_node(struct arena *arena, const struct node *node) MUST_CHECK;
/* An empty one, with room for so many pairs. */
struct node *map_edit_new(struct arena *arena, struct place place, size_t room) MUST_CHECK;
/* With pairs of its own, those of MAP (which may be none), and room for a few more. */
struct node *map_edit_copy(struct arena *arena, const struct node *map, struct place place) MUST_CHECK;

/* NULL: there is none of that name. */
struct pair *map_edit_find(struct node *map, const char *key) MUST_CHECK;
/* Takes it out; all zero where there is none. */
struct pair map_edit_take(struct node *map, const char *key);
/* Under KEY, in the place of what stood there; MAP has room for one more. */
void map_edit_put(struct arena *arena, struct node *map, const char *key, struct pair pair);

#endif
