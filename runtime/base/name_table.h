/* Which number belongs to a name: anchors, variables and providers are looked up in it, so that ten thousand of them
 * cost ten thousand look-ups and not their square. */
#ifndef HERMES_NAME_TABLE_H
#define HERMES_NAME_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct arena;

/* All zero is an empty one. */
struct name_table {
    struct name_slot {
        const char *name; /* not copied; NULL where there is none */
        uint32_t number;
        uint32_t hash;
    } * slots;
    size_t size; /* a power of two, or 0 */
    size_t count;
};

/* NULL when NAME is not in it. The pointer is good until the next name_table_put. */
const uint32_t *name_table_get(const struct name_table *table, const char *name);
/* Adds NAME or changes its number. */
void name_table_put(struct arena *arena, struct name_table *table, const char *name, size_t number);

#endif
