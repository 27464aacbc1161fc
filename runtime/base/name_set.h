/* A set of names in groups: a name's group is what stands before its last blank, "" where it has none. Ten thousand of
 * them cost ten thousand steps, and a group what is in it. */
#ifndef HERMES_NAME_SET_H
#define HERMES_NAME_SET_H

#include <stdbool.h>

#include "name_table.h"

/* All zero is an empty one. */
struct name_set {
    struct name_set_item {
        const char *name; /* not copied */
        const char *group;
        uint32_t next; /* of its group: its index and 1; 0: none */
        bool there;
    } * items;       /* the ones that were taken out as well */
    size_t capacity; /* of the items */
    size_t all;      /* of them */
    size_t count;    /* of those that are there */
    struct name_table index;
    struct name_table groups; /* the newest item of each */
};

bool name_set_has(const struct name_set *set, const char *name);
/* NAME is the caller's, and lasts. */
void name_set_add(struct arena *arena, struct name_set *set, const char *name);
void name_set_remove(struct name_set *set, const char *name);
void name_set_remove_group(struct name_set *set, const char *group);
/* Some name of GROUP, or NULL. */
const char *name_set_of_group(const struct name_set *set, const char *group);
/* All `count` of them, sorted. */
const char **name_set_sorted(struct arena *arena, const struct name_set *set);

#endif
