#include "yaml_compose.h"

#include <sodium.h>

#include "memory.h"
#include "yaml_map.h"
#include "yaml_value.h"

enum { MAX_NESTING = 128, ALIAS_FACTOR = 10, ALIAS_FLOOR = 10000, MAX_NODES = 1000000 };

static bool next_event(struct yaml_loader *l, yaml_event_t *event, const char *bytes, size_t len)
{
    if (l->failed)
        return false;
    if (yaml_parser_parse(&l->parser, event))
        return true;
    yaml_loader_fail_parser(l, bytes, len);
    return false;
}

static void wipe_event(void *data)
{
    yaml_event_t *event = data;
    if (event->type == YAML_SCALAR_EVENT)
        sodium_memzero(event->data.scalar.value, event->data.scalar.length);
    yaml_event_delete(event);
}

static struct node *alias(struct yaml_loader *l, const yaml_event_t *event, enum yaml_tag *ret_tag)
{
    struct yaml_anchor *anchor = yaml_loader_find_anchor(l, (const char *)event->data.alias.anchor);
    if (anchor == NULL) {
        yaml_loader_fail_at(l, &event->start_mark, "found undefined alias");
        return NULL;
    }
    if (!anchor->complete) {
        if (!l->failed)
            (void)diagnostic_add(l->diagnostics, CODE_RECURSIVE_ALIAS, yaml_loader_place(l, &event->start_mark, NULL),
                                 "this alias is inside the value that it names: Hermes fails with a RecursionError");
        l->failed = true;
        return NULL;
    }
    l->weight += anchor->weight;
    size_t limit = l->nodes * ALIAS_FACTOR > ALIAS_FLOOR ? l->nodes * ALIAS_FACTOR : ALIAS_FLOOR;
    if (l->weight > l->nodes && (l->weight > limit || l->weight > MAX_NODES + l->nodes)) {
        if (!l->failed)
            (void)diagnostic_add(l->diagnostics, CODE_ALIAS_LIMIT, yaml_loader_place(l, &event->start_mark, NULL),
                                 "aliases make more than %d times the file's own values", ALIAS_FACTOR);
        l->failed = true;
        return NULL;
    }
    *ret_tag = anchor->tag;
    return anchor->node;
}

static void push(struct yaml_loader *l, struct yaml_child child)
{
    ARENA_GROW(l->arena, l->stack, l->stack_capacity, l->depth + 1);
    l->stack[l->depth++] = child;
}

static struct node *value_of(struct yaml_loader *l, const struct yaml_input *in, yaml_event_t *event,
                             enum yaml_tag *ret_tag);

/* The next value, or NULL at END or after a failure. */
static struct node *next_child(struct yaml_loader *l, const struct yaml_input *in, yaml_event_type_t end,
                               enum yaml_tag *ret_tag)
{
    yaml_event_t event;
    struct memory_hold hold;
    if (!next_event(l, &event, in->bytes, in->len))
        return NULL;
    memory_hold(&hold, wipe_event, &event);
    struct node *child = event.type == end ? NULL : value_of(l, in, &event, ret_tag);
    memory_give_back(&hold);
    return child;
}

static enum yaml_tag collection_tag(struct yaml_loader *l, const yaml_char_t *tag, enum yaml_tag usual,
                                    struct place place, bool merged)
{
    enum yaml_tag found = tag == NULL || strcmp((const char *)tag, "!") == 0 ? usual : yaml_value_tag(tag);
    bool fits = found == usual || (usual == TAG_MAP && found == TAG_SET) ||
                (usual == TAG_SEQ && (found == TAG_OMAP || found == TAG_PAIRS));
    if (!fits && !merged)
        yaml_loader_refuse(l, place, "Hermes's YAML reader does not know this tag");
    return fits ? found : usual;
}

/* !!omap and !!pairs: a list of maps of one entry each becomes a list of pairs. */
static void pair_up(struct yaml_loader *l, struct node *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct node *item = list->items[i];
        if (!yaml_map_is(item) || item->pair_count != 1) {
            yaml_loader_refuse(l, item->place, "expected a single mapping item here");
            return;
        }
        struct node *couple = arena_alloc(l->arena, sizeof *couple);
        *couple = (struct node){.kind = NODE_SEQUENCE, .place = item->place};
        couple->items = arena_alloc(l->arena, 2 * sizeof *couple->items);
        couple->items[0] = item->pairs[0].key;
        couple->items[1] = item->pairs[0].value;
        couple->count = 2;
        list->items[i] = couple;
    }
}

/* What *FLAG says of this value; of what is inside it, it says nothing. */
static bool take(bool *flag)
{
    bool taken = *flag;
    *flag = false;
    return taken;
}

static struct node *sequence(struct yaml_loader *l, const struct yaml_input *in, const yaml_event_t *event)
{
    struct node *node = yaml_loader_new_node(l, event);
    size_t weight = l->weight;
    size_t base = l->depth;
    bool merging = take(&l->merging);
    bool pairing = take(&l->pairing);
    enum yaml_tag tag = collection_tag(l, event->data.sequence_start.tag, TAG_SEQ, node->place, merging || pairing);
    ptrdiff_t anchor = yaml_loader_set_anchor(l, event->data.sequence_start.anchor, &event->start_mark, node);
    enum yaml_tag child_tag;
    for (struct node *child; l->merging = merging, l->pairing = tag != TAG_SEQ && !merging,
                             (child = next_child(l, in, YAML_SEQUENCE_END_EVENT, &child_tag)) != NULL;) {
        if (child_tag == TAG_MERGE || child_tag == TAG_VALUE)
            yaml_loader_refuse(l, child->place, "Hermes's YAML reader cannot make a value of this");
        push(l, (struct yaml_child){{NULL, child}, TAG_STR});
    }
    node->kind = NODE_SEQUENCE;
    node->count = l->depth - base;
    node->items = arena_alloc(l->arena, node->count * sizeof *node->items);
    for (size_t i = 0; i < node->count; i++)
        node->items[i] = l->stack[base + i].pair.value;
    l->depth = base;
    l->merging = false;
    l->pairing = false;
    yaml_loader_complete_anchor(l, anchor, l->weight - weight + 1);
    if (tag != TAG_SEQ && !l->failed && !merging)
        pair_up(l, node);
    return node;
}

static struct node *mapping(struct yaml_loader *l, const struct yaml_input *in, const yaml_event_t *event)
{
    struct node *node = yaml_loader_new_node(l, event);
    size_t weight = l->weight;
    size_t base = l->depth;
    bool pairing = take(&l->pairing);
    bool unmade = take(&l->merging) || pairing;
    enum yaml_tag tag = collection_tag(l, event->data.mapping_start.tag, TAG_MAP, node->place, unmade);
    ptrdiff_t anchor = yaml_loader_set_anchor(l, event->data.mapping_start.anchor, &event->start_mark, node);
    enum yaml_tag key_tag;
    enum yaml_tag value_tag;
    node->kind = tag == TAG_SET ? NODE_SET : NODE_MAP;
    for (struct node *key; (key = next_child(l, in, YAML_MAPPING_END_EVENT, &key_tag)) != NULL;) {
        l->merging = key_tag == TAG_MERGE && !pairing;
        struct node *value = next_child(l, in, YAML_NO_EVENT, &value_tag);
        l->merging = false;
        if (value == NULL)
            break;
        if (value_tag == TAG_MERGE || value_tag == TAG_VALUE)
            yaml_loader_refuse(l, value->place, "Hermes's YAML reader cannot make a value of this");
        push(l, (struct yaml_child){{key, value}, key_tag});
    }
    size_t count = l->depth - base;
    if (!l->failed && pairing)
        yaml_map_finish_item(l, node, l->stack + base, count);
    else if (!l->failed && count > 0)
        yaml_map_finish(l, node, l->stack + base, count);
    l->depth = base;
    yaml_loader_complete_anchor(l, anchor, l->weight - weight + 1);
    return node;
}

static bool written_in_brackets(const yaml_event_t *event)
{
    return event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
                                                    : event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
}

static struct node *value_of(struct yaml_loader *l, const struct yaml_input *in, yaml_event_t *event,
                             enum yaml_tag *ret_tag)
{
    struct node *node = NULL;
    *ret_tag = TAG_STR;
    if (event->type == YAML_SCALAR_EVENT)
        return yaml_value(l, event, ret_tag);
    if (event->type == YAML_ALIAS_EVENT)
        return alias(l, event, ret_tag);
    if (++l->nesting > MAX_NESTING) {
        if (!l->failed)
            (void)diagnostic_add(l->diagnostics, CODE_NESTING_LIMIT, yaml_loader_place(l, &event->start_mark, NULL),
                                 "values are nested deeper than %d levels", MAX_NESTING);
        l->failed = true;
    } else {
        bool in_brackets = written_in_brackets(event);
        l->flow += in_brackets;
        node = event->type == YAML_SEQUENCE_START_EVENT ? sequence(l, in, event) : mapping(l, in, event);
        l->flow -= in_brackets;
    }
    l->nesting--;
    return node;
}

struct node *yaml_compose(struct yaml_loader *l, const struct yaml_input *in)
{
    struct node *root = NULL;
    yaml_event_t event;
    struct memory_hold hold;
    enum yaml_tag tag;
    for (bool more = true; more && next_event(l, &event, in->bytes, in->len);) {
        memory_hold(&hold, wipe_event, &event);
        more = event.type != YAML_STREAM_END_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT && root != NULL)
            yaml_loader_fail_at(l, &event.start_mark,
                                "expected a single document in the stream, but found another document");
        else if (event.type == YAML_SCALAR_EVENT || event.type == YAML_ALIAS_EVENT ||
                 event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT) {
            root = value_of(l, in, &event, &tag);
            if (root != NULL && (tag == TAG_MERGE || tag == TAG_VALUE))
                yaml_loader_refuse(l, root->place, "Hermes's YAML reader cannot make a value of this");
        }
        memory_give_back(&hold);
    }
    if (root == NULL && !l->failed) {
        root = arena_alloc(l->arena, sizeof *root);
        *root = (struct node){.kind = NODE_NULL, .place = {.source = l->source}};
    }
    return l->failed ? NULL : root;
}
