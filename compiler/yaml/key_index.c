#include "key_index.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    FEW = 8,           /* pairs that are compared one with the other rather than hashed */
    SHORT_INT = 15,    /* digits that a double has, too */
    MOST_DIGITS = 320, /* the largest double has 309 */
};

static bool is_number(const struct node *key)
{
    return key->kind == NODE_BOOL || key->kind == NODE_INTEGER || key->kind == NODE_FLOAT;
}

/* VALUE, to the last digit. */
static void write_digits(double value, char *digits)
{
    (void)snprintf(digits, MOST_DIGITS, "%.0f", value == 0 ? 0.0 : value);
}

/* Python compares a float with an int to the last digit, of which a double has not all. */
static bool same_whole_number(const struct node *integer, double value)
{
    char digits[MOST_DIGITS];
    write_digits(value, digits);
    return strcmp(digits, integer->text) == 0;
}

/* Equal as keys of a Python dict: 1, 1.0 and true are one key, and so are two .nan, which PyYAML has one object for. */
static bool same_key(const struct node *a, const struct node *b)
{
    if (a == b)
        return true;
    if (a->kind == NODE_INTEGER && b->kind == NODE_INTEGER)
        return strcmp(a->text, b->text) == 0;
    if (is_number(a) && is_number(b)) {
        double left = node_number(a);
        double right = node_number(b);
        if (left != right)
            return isnan(left) && isnan(right);
        if (a->kind == NODE_INTEGER && b->kind == NODE_FLOAT)
            return same_whole_number(a, right);
        return a->kind != NODE_FLOAT || b->kind != NODE_INTEGER || same_whole_number(b, left);
    }
    if (a->kind != b->kind)
        return false;
    return a->kind == NODE_NULL || (a->len == b->len && memcmp(a->text, b->text, a->len) == 0);
}

static uint64_t hash_bytes(const char *bytes, size_t len)
{
    uint64_t hash = 1469598103934665603u;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 1099511628211u;
    return hash ^ hash >> 29;
}

/* The same for an int and a float that are equal, and another one for ints that only look equal to a double. */
static uint64_t hash_number(const struct node *key)
{
    char digits[MOST_DIGITS];
    if (key->kind == NODE_INTEGER && key->len > SHORT_INT + 1)
        return hash_bytes(key->text, key->len);
    double value = node_number(key) + 0.0; /* -0.0 is 0.0 */
    if (fabs(value) < 1e15 || !isfinite(value))
        return hash_bytes((const char *)&value, sizeof value);
    write_digits(value, digits);
    return hash_bytes(digits, strlen(digits));
}

static uint64_t hash_key(const struct node *key)
{
    if (key->kind == NODE_NULL)
        return 0;
    return is_number(key) ? hash_number(key) : hash_bytes(key->text, key->len);
}

struct key_index key_index_create(struct arena *arena, size_t room)
{
    struct key_index index = {.size = 2 * FEW};
    while (index.size < room * 2)
        index.size *= 2;
    if (room > FEW)
        index.slots = arena_alloc(arena, index.size * sizeof *index.slots);
    return index;
}

struct pair *key_index_find(struct key_index *index, const struct node *map, const struct node *key)
{
    if (index->slots == NULL) {
        for (size_t i = 0; i < map->pair_count; i++)
            if (same_key(map->pairs[i].key, key))
                return &map->pairs[i];
        return NULL;
    }
    size_t slot = hash_key(key) & (index->size - 1);
    while (index->slots[slot] != 0 && !same_key(map->pairs[index->slots[slot] - 1].key, key))
        slot = (slot + 1) & (index->size - 1);
    index->free_slot = slot;
    return index->slots[slot] == 0 ? NULL : &map->pairs[index->slots[slot] - 1];
}

void key_index_append(struct key_index *index, struct node *map, struct pair pair)
{
    map->pairs[map->pair_count++] = pair;
    if (index->slots != NULL)
        index->slots[index->free_slot] = (uint32_t)map->pair_count;
}
