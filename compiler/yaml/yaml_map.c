#include "yaml_map.h"

#include <string.h>

#include "key_index.h"
#include "shown.h"

bool yaml_map_is(const struct node *node)
{
    return node->kind == NODE_MAP || node->kind == NODE_SET;
}

static void refuse_duplicate(struct yaml_loader *l, const struct node *first, const struct node *again)
{
    const char *name = node_string(again);
    struct diagnostic *d =
        diagnostic_add_as(l->diagnostics, SEVERITY_ERROR, CODE_DUPLICATE_KEY, again->place,
                          "the setting %s is given twice in one mapping",
                          name == NULL ? "here" : arena_printf(l->arena, "`%s`", shown_name(l->arena, name)));
    diagnostic_also(d, first->place, "it is given here first");
    diagnostic_note(l->diagnostics, d, "Hermes 0.22 and later refuse the file; older versions use the second value");
    diagnostic_help(l->diagnostics, d, "remove one of the two");
}

/* Makes MAP of PAIRS, in place, as a Python dict would. Those before FROM were merged in: to override them is no
 * accident. */
static void fill_map(struct yaml_loader *l, struct node *map, struct pair *pairs, size_t count, size_t from)
{
    struct key_index index = key_index_create(l->arena, count);
    size_t merged = 0;
    map->pairs = pairs;
    map->pair_count = 0;
    for (size_t i = 0; i < count; i++) {
        merged = i == from ? map->pair_count : merged;
        struct pair *first = key_index_find(&index, map, pairs[i].key);
        if (first == NULL) {
            key_index_append(&index, map, pairs[i]);
            continue;
        }
        if (i >= from && first >= map->pairs + merged)
            refuse_duplicate(l, first->key, pairs[i].key);
        first->value = pairs[i].value;
    }
}

struct merged {
    struct pair *pairs;
    size_t count;
    size_t capacity;
};

static void append_pairs(struct yaml_loader *l, struct merged *merged, const struct pair *pairs, size_t count)
{
    ARENA_GROW(l->arena, merged->pairs, merged->capacity, merged->count + count);
    if (count > 0)
        memcpy(merged->pairs + merged->count, pairs, count * sizeof(struct pair));
    merged->count += count;
}

/* In a list the earlier map wins, so it is put in last. */
static void merge_value(struct yaml_loader *l, struct merged *merged, const struct node *value)
{
    if (yaml_map_is(value)) {
        append_pairs(l, merged, value->pairs, value->pair_count);
        return;
    }
    if (value->kind != NODE_SEQUENCE) {
        yaml_loader_refuse(l, value->place, "expected a mapping or list of mappings for merging");
        return;
    }
    for (size_t i = 0; i < value->count; i++)
        if (!yaml_map_is(value->items[i])) {
            yaml_loader_refuse(l, value->items[i]->place, "expected a mapping for merging");
            return;
        }
    for (size_t i = value->count; i > 0; i--)
        append_pairs(l, merged, value->items[i - 1]->pairs, value->items[i - 1]->pair_count);
}

/* PyYAML finds an unhashable key. */
static void refuse_name(struct yaml_loader *l, const struct node *key)
{
    struct diagnostic *d = yaml_loader_refuse(l, key->place, "a mapping or a list cannot be the name of a setting");
    if (key->kind == NODE_MAP)
        diagnostic_help(&l->values, d, "YAML has no {{ templates }}: write ${NAME} for a variable, or quote the value");
}

void yaml_map_finish(struct yaml_loader *l, struct node *map, const struct yaml_child *children, size_t count)
{
    struct merged all = {0};
    size_t merges = 0;
    const struct node *first_merge = NULL;
    for (size_t i = 0; i < count; i++)
        if (children[i].key_tag == TAG_MERGE) {
            if (first_merge != NULL)
                refuse_duplicate(l, first_merge, children[i].pair.key);
            else
                first_merge = children[i].pair.key;
            merge_value(l, &all, children[i].pair.value);
            merges++;
        }
    size_t from = all.count;
    ARENA_GROW(l->arena, all.pairs, all.capacity, from + count - merges);
    for (size_t i = 0; i < count; i++) {
        const struct pair *pair = &children[i].pair;
        enum node_kind kind = pair->key->kind;
        if (children[i].key_tag == TAG_MERGE)
            continue;
        if (kind == NODE_SEQUENCE || kind == NODE_MAP || kind == NODE_SET)
            refuse_name(l, pair->key);
        else
            all.pairs[all.count++] = *pair;
    }
    fill_map(l, map, all.pairs, all.count, from);
}

void yaml_map_finish_item(struct yaml_loader *l, struct node *map, const struct yaml_child *children, size_t count)
{
    map->kind = NODE_MAP;
    map->pair_count = count;
    map->pairs = arena_alloc(l->arena, count * sizeof *map->pairs);
    for (size_t i = 0; i < count; i++) {
        map->pairs[i] = children[i].pair;
        if (children[i].key_tag == TAG_MERGE || children[i].key_tag == TAG_VALUE)
            yaml_loader_refuse(l, map->pairs[i].key->place, "Hermes's YAML reader cannot make a value of this");
    }
}
