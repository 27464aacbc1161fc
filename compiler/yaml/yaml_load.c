#include "yaml_load.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <yaml.h>

#include "key_index.h"
#include "memory.h"
#include "name_table.h"
#include "shown.h"
#include "source.h"
#include "syntax_slip.h"
#include "utf8.h"
#include "yaml_comments.h"
#include "yaml_readers.h"
#include "yaml_scalar.h"

enum { MAX_NESTING = 128, MAX_DIRECTIVES = 100, ALIAS_FACTOR = 10, ALIAS_FLOOR = 10000, MAX_NODES = 1000000 };

#define TAG_PREFIX "tag:yaml.org,2002:"

/* A child of a collection that is not complete yet. */
struct child {
    struct pair pair;      /* key: NULL in a sequence */
    enum yaml_tag key_tag; /* TAG_MERGE: the key is `<<` */
};

struct anchor {
    struct node *node;
    size_t weight;
    enum yaml_tag tag; /* of a scalar */
    bool complete;
};

enum { LATE_TEXTS = 256 };

/* Children are gathered on one stack and copied out at their exact number. */
struct loader {
    struct arena *arena;
    const struct source *source;
    struct diagnostics *diagnostics;
    struct diagnostics values; /* what the constructor refuses: PyYAML says it only when the syntax is right */
    yaml_parser_t parser;
    struct child *stack;
    size_t depth;
    size_t stack_capacity;
    struct anchor *anchors;
    size_t anchor_count;
    size_t anchor_capacity;
    struct name_table anchor_names;
    struct {
        const char *text;
        size_t len;
    } late[LATE_TEXTS]; /* the last text that hashed to a slot: names stand in a file again and again */
    bool readers_may_differ;
    bool shortened;            /* without what stands in comments */
    yaml_mark_t long_quote[2]; /* start and end of the last quoted string that ends in another line */
    bool merging; /* the next value stands behind `<<`: only its pairs are asked for, whatever its tag says */
    bool pairing; /* the next value is an item of !!omap or !!pairs: only its one pair is asked for */
    struct yaml_texts texts;
    size_t nesting;
    size_t flow;   /* how many of these levels are written in brackets */
    size_t nodes;  /* in the file */
    size_t weight; /* with every alias expanded */
    bool failed;
};

static struct place place_of(const struct loader *l, const yaml_mark_t *start, const yaml_mark_t *end)
{
    struct place place = {l->source, (uint32_t)start->line + 1, (uint32_t)start->column + 1, 0};
    if (end != NULL && end->line == start->line && end->column > start->column)
        place.length = (uint32_t)(end->column - start->column);
    return place;
}

static void fail_with(struct loader *l, struct syntax_error error)
{
    if (!l->failed && l->long_quote[1].line > 0) {
        error.long_quote = place_of(l, &l->long_quote[0], NULL);
        error.long_quote_end = (unsigned)l->long_quote[1].line + 1;
    }
    if (!l->failed)
        syntax_slip_report(&error, l->diagnostics);
    l->failed = true;
}

static void fail_at(struct loader *l, const yaml_mark_t *mark, const char *message)
{
    fail_with(l, (struct syntax_error){.problem = message, .at = place_of(l, mark, NULL)});
}

static struct diagnostic *refuse_value(struct loader *l, struct place place, const char *message)
{
    return diagnostic_add(&l->values, CODE_YAML_VALUE, place, "%s", message);
}

/* The reader knows only a byte offset. */
static struct place place_of_offset(const struct loader *l, const char *bytes, size_t len, size_t offset)
{
    struct place place = {l->source, 1, 1, 0};
    for (size_t i = 0, width; i < offset && i < len; i += width) {
        width = utf8_length(bytes + i, len - i);
        width = width == 0 ? 1 : width;
        bool carriage = bytes[i] == '\r' && (i + 1 >= len || bytes[i + 1] != '\n');
        if (carriage || yaml_readers_line_break(bytes + i, width)) {
            place.line++;
            place.column = 1;
        } else if (bytes[i] != '\r') {
            place.column++;
        }
    }
    return place;
}

static void fail_reader(struct loader *l, const char *bytes, size_t len)
{
    struct place place = place_of_offset(l, bytes, len, l->parser.problem_offset);
    const char *encoding = syntax_slip_encoding(bytes, len);
    struct diagnostic *d =
        diagnostic_add(l->diagnostics, CODE_YAML_SYNTAX, place, "%s", encoding != NULL ? encoding : l->parser.problem);
    diagnostic_help(l->diagnostics, d, encoding != NULL ? "save the file as UTF-8" : "remove the character");
    l->failed = true;
}

static void fail_parser(struct loader *l, const char *bytes, size_t len)
{
    yaml_parser_t *p = &l->parser;
    if (l->failed)
        return;
    if (p->error == YAML_READER_ERROR) {
        fail_reader(l, bytes, len);
        return;
    }
    if (p->error == YAML_MEMORY_ERROR || p->problem == NULL)
        memory_failed();
    struct syntax_error error = {
        .problem = p->problem, .context = p->context, .at = place_of(l, &p->problem_mark, NULL)};
    bool flow = p->context != NULL && strcmp(p->context, "while parsing a flow node") == 0;
    if (flow && p->marks.top > p->marks.start) /* libyaml names the missing node's place, which may be the file's end */
        error.began = place_of(l, &p->marks.top[-1], NULL);
    else if (p->context != NULL)
        error.began = place_of(l, &p->context_mark, NULL);
    fail_with(l, error);
}

static struct anchor *find_anchor(struct loader *l, const char *name)
{
    const uint32_t *index = name_table_get(&l->anchor_names, name);
    return index == NULL ? NULL : &l->anchors[*index];
}

/* The index of the new anchor, or -1 when the value has none. PyYAML refuses what the specification allows: to use a
 * name twice. */
static ptrdiff_t set_anchor(struct loader *l, const yaml_char_t *name, const yaml_mark_t *mark, struct node *node)
{
    if (name == NULL)
        return -1;
    if (find_anchor(l, (const char *)name) != NULL) {
        fail_at(l, mark, "found a second anchor of the same name");
        return -1;
    }
    ARENA_GROW(l->arena, l->anchors, l->anchor_capacity, l->anchor_count + 1);
    name_table_put(l->arena, &l->anchor_names, arena_strdup(l->arena, (const char *)name), l->anchor_count);
    l->anchors[l->anchor_count] = (struct anchor){node, 0, TAG_STR, false};
    return (ptrdiff_t)l->anchor_count++;
}

static void complete_anchor(struct loader *l, ptrdiff_t index, size_t weight)
{
    if (index < 0)
        return;
    l->anchors[index].weight = weight;
    l->anchors[index].complete = true;
}

static enum yaml_tag explicit_tag(const yaml_char_t *tag)
{
    static const struct {
        const char *name;
        enum yaml_tag tag;
    } known[] = {{"null", TAG_NULL},           {"bool", TAG_BOOL},  {"int", TAG_INT},   {"float", TAG_FLOAT},
                 {"timestamp", TAG_TIMESTAMP}, {"str", TAG_STR},    {"seq", TAG_SEQ},   {"map", TAG_MAP},
                 {"binary", TAG_BINARY},       {"set", TAG_SET},    {"omap", TAG_OMAP}, {"pairs", TAG_PAIRS},
                 {"merge", TAG_MERGE},         {"value", TAG_VALUE}};
    const char *text = (const char *)tag;
    if (strncmp(text, TAG_PREFIX, strlen(TAG_PREFIX)) != 0)
        return TAG_UNKNOWN;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(text + strlen(TAG_PREFIX), known[i].name) == 0)
            return known[i].tag;
    return TAG_UNKNOWN;
}

static struct node *new_node(struct loader *l, const yaml_event_t *event)
{
    struct node *node = arena_alloc(l->arena, sizeof *node);
    node->place = place_of(l, &event->start_mark, event->type == YAML_SCALAR_EVENT ? &event->end_mark : NULL);
    l->nodes++;
    l->weight++;
    return node;
}

/* What plain scalars are that look like something else: nobody would see it in the file. */
static void warn_surprise(struct loader *l, const struct node *node, const char *text, size_t len)
{
    const char *digits = text + (len > 0 && (text[0] == '-' || text[0] == '+'));
    size_t left = len - (size_t)(digits - text);
    if (node->kind == NODE_STRING && yaml_scalar_looks_like_number(text, len)) {
        struct diagnostic *d = diagnostic_add(l->diagnostics, CODE_NUMBER_LEFT_TEXT, node->place,
                                              "YAML 1.1 reads this number as a string");
        diagnostic_help(l->diagnostics, d,
                        "write it with a dot and a signed exponent, or quote it if a string is intended");
        return;
    }
    bool sexagesimal = memchr(digits, ':', left) != NULL;
    bool octal = left > 1 && digits[0] == '0' && digits[1] != 'x' && digits[1] != 'b';
    if ((node->kind == NODE_INTEGER && (sexagesimal || octal)) || (node->kind == NODE_FLOAT && sexagesimal)) {
        struct diagnostic *d = diagnostic_add(l->diagnostics, CODE_NUMBER_SURPRISE, node->place,
                                              "YAML 1.1 reads this as a number in base %s", sexagesimal ? "60" : "8");
        diagnostic_help(l->diagnostics, d, "quote it if a string is intended");
    }
}

static void keep_text(struct loader *l, struct node *node, const char *text, size_t len)
{
    size_t hash = len * 31 + (len > 0 ? (unsigned char)text[0] * 7u + (unsigned char)text[len - 1] : 0);
    const char **late = &l->late[hash % LATE_TEXTS].text;
    size_t *late_len = &l->late[hash % LATE_TEXTS].len;
    if (*late == NULL || *late_len != len || memcmp(*late, text, len) != 0) {
        *late = arena_strndup(l->arena, text, len);
        *late_len = len;
    }
    node->kind = NODE_STRING;
    node->text = *late;
    node->len = len;
}

static void note_long_quote(struct loader *l, const yaml_event_t *event)
{
    yaml_scalar_style_t style = event->data.scalar.style;
    bool quoted = style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    if (!quoted || event->end_mark.line == event->start_mark.line)
        return;
    l->long_quote[0] = event->start_mark;
    l->long_quote[1] = event->end_mark;
}

/* `<<` and `=` mean something only as keys; *RET_TAG says which one it is. */
static struct node *scalar(struct loader *l, const yaml_event_t *event, enum yaml_tag *ret_tag)
{
    l->failed = l->failed || (l->shortened && yaml_comments_may_be_in(event));
    struct node *node = new_node(l, event);
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    const yaml_char_t *tag = event->data.scalar.tag;
    bool given = tag != NULL && strcmp((const char *)tag, "!") != 0;
    enum yaml_tag resolved = given                               ? explicit_tag(tag)
                             : event->data.scalar.plain_implicit ? yaml_scalar_resolve(text, len)
                                                                 : TAG_STR;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !given;
    ptrdiff_t anchor = set_anchor(l, event->data.scalar.anchor, &event->start_mark, node);
    complete_anchor(l, anchor, 1);
    if (anchor >= 0)
        l->anchors[anchor].tag = resolved;
    *ret_tag = resolved;
    yaml_scalar_style_t style = event->data.scalar.style;
    note_long_quote(l, event);
    if (l->readers_may_differ && style != YAML_PLAIN_SCALAR_STYLE)
        yaml_readers_add_text(
            l->arena, &l->texts,
            (struct yaml_text){event->start_mark.index, event->end_mark.index,
                               style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE});
    if (resolved == TAG_MERGE || resolved == TAG_VALUE) {
        keep_text(l, node, text, len);
        return node;
    }
    if (resolved == TAG_MAP || resolved == TAG_SET || resolved == TAG_SEQ || resolved == TAG_OMAP ||
        resolved == TAG_PAIRS) {
        refuse_value(l, node->place, "expected a collection here, but found a scalar");
        return node;
    }
    if (tag != NULL && !given && style == YAML_PLAIN_SCALAR_STYLE && len == 0)
        (void)diagnostic_add(l->diagnostics, CODE_YAML_READERS_DIFFER, node->place,
                             "a \"!\" with no value: one of Hermes's two YAML readers reads an empty string, the other "
                             "null");
    if (style == YAML_PLAIN_SCALAR_STYLE && l->flow > 0 && memchr(text, '?', len) != NULL)
        (void)diagnostic_add(
            l->diagnostics, CODE_YAML_READERS_DIFFER, node->place,
            "a \"?\" in brackets without quotes: one of Hermes's two YAML readers rejects the whole file for it");
    const char *why = NULL;
    if (resolved == TAG_STR)
        keep_text(l, node, text, len);
    else
        why = yaml_scalar_construct(l->arena, resolved, text, len, node);
    if (why != NULL)
        refuse_value(l, node->place, why);
    else if (node->plain)
        warn_surprise(l, node, text, len);
    return node;
}

static bool next_event(struct loader *l, yaml_event_t *event, const char *bytes, size_t len)
{
    if (l->failed)
        return false;
    if (yaml_parser_parse(&l->parser, event))
        return true;
    fail_parser(l, bytes, len);
    return false;
}

static void wipe_event(void *data)
{
    yaml_event_t *event = data;
    if (event->type == YAML_SCALAR_EVENT)
        sodium_memzero(event->data.scalar.value, event->data.scalar.length);
    yaml_event_delete(event);
}

struct input {
    const char *bytes;
    size_t len;
};

static struct node *compose(struct loader *l, const struct input *in, yaml_event_t *event, enum yaml_tag *ret_tag);

static struct node *alias(struct loader *l, const yaml_event_t *event, enum yaml_tag *ret_tag)
{
    struct anchor *anchor = find_anchor(l, (const char *)event->data.alias.anchor);
    if (anchor == NULL) {
        fail_at(l, &event->start_mark, "found undefined alias");
        return NULL;
    }
    if (!anchor->complete) {
        if (!l->failed)
            (void)diagnostic_add(l->diagnostics, CODE_RECURSIVE_ALIAS, place_of(l, &event->start_mark, NULL),
                                 "this alias is inside the value that it names: Hermes fails with a RecursionError");
        l->failed = true;
        return NULL;
    }
    l->weight += anchor->weight;
    size_t limit = l->nodes * ALIAS_FACTOR > ALIAS_FLOOR ? l->nodes * ALIAS_FACTOR : ALIAS_FLOOR;
    if (l->weight > l->nodes && (l->weight > limit || l->weight > MAX_NODES + l->nodes)) {
        if (!l->failed)
            (void)diagnostic_add(l->diagnostics, CODE_ALIAS_LIMIT, place_of(l, &event->start_mark, NULL),
                                 "aliases make more than %d times the file's own values", ALIAS_FACTOR);
        l->failed = true;
        return NULL;
    }
    *ret_tag = anchor->tag;
    return anchor->node;
}

static void push(struct loader *l, struct child child)
{
    ARENA_GROW(l->arena, l->stack, l->stack_capacity, l->depth + 1);
    l->stack[l->depth++] = child;
}

/* The next value, or NULL at END or after a failure. */
static struct node *next_child(struct loader *l, const struct input *in, yaml_event_type_t end, enum yaml_tag *ret_tag)
{
    yaml_event_t event;
    struct memory_hold hold;
    if (!next_event(l, &event, in->bytes, in->len))
        return NULL;
    memory_hold(&hold, wipe_event, &event);
    struct node *child = event.type == end ? NULL : compose(l, in, &event, ret_tag);
    memory_give_back(&hold);
    return child;
}

static enum yaml_tag collection_tag(struct loader *l, const yaml_char_t *tag, enum yaml_tag usual, struct place place,
                                    bool merged)
{
    enum yaml_tag found = tag == NULL || strcmp((const char *)tag, "!") == 0 ? usual : explicit_tag(tag);
    bool fits = found == usual || (usual == TAG_MAP && found == TAG_SET) ||
                (usual == TAG_SEQ && (found == TAG_OMAP || found == TAG_PAIRS));
    if (!fits && !merged)
        refuse_value(l, place, "Hermes's YAML reader does not know this tag");
    return fits ? found : usual;
}

/* To the composer a set is a mapping like any other. */
static bool is_mapping(const struct node *node)
{
    return node->kind == NODE_MAP || node->kind == NODE_SET;
}

/* !!omap and !!pairs: a list of maps of one entry each becomes a list of pairs. */
static void pair_up(struct loader *l, struct node *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct node *item = list->items[i];
        if (!is_mapping(item) || item->pair_count != 1) {
            refuse_value(l, item->place, "expected a single mapping item here");
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

static struct node *sequence(struct loader *l, const struct input *in, const yaml_event_t *event)
{
    struct node *node = new_node(l, event);
    size_t weight = l->weight;
    size_t base = l->depth;
    bool merging = take(&l->merging);
    bool pairing = take(&l->pairing);
    enum yaml_tag tag = collection_tag(l, event->data.sequence_start.tag, TAG_SEQ, node->place, merging || pairing);
    ptrdiff_t anchor = set_anchor(l, event->data.sequence_start.anchor, &event->start_mark, node);
    enum yaml_tag child_tag;
    for (struct node *child; l->merging = merging, l->pairing = tag != TAG_SEQ && !merging,
                             (child = next_child(l, in, YAML_SEQUENCE_END_EVENT, &child_tag)) != NULL;) {
        if (child_tag == TAG_MERGE || child_tag == TAG_VALUE)
            refuse_value(l, child->place, "Hermes's YAML reader cannot make a value of this");
        push(l, (struct child){{NULL, child}, TAG_STR});
    }
    node->kind = NODE_SEQUENCE;
    node->count = l->depth - base;
    node->items = arena_alloc(l->arena, node->count * sizeof *node->items);
    for (size_t i = 0; i < node->count; i++)
        node->items[i] = l->stack[base + i].pair.value;
    l->depth = base;
    l->merging = false;
    l->pairing = false;
    complete_anchor(l, anchor, l->weight - weight + 1);
    if (tag != TAG_SEQ && !l->failed && !merging)
        pair_up(l, node);
    return node;
}

/* --- maps: merge keys, then the last of equal keys --- */

static void refuse_duplicate(struct loader *l, const struct node *first, const struct node *again)
{
    const char *name = node_string(again);
    struct diagnostic *d =
        diagnostic_add_as(l->diagnostics, SEVERITY_ERROR, CODE_DUPLICATE_KEY, again->place,
                          "the setting %s is given twice in one mapping",
                          name == NULL ? "here" : arena_printf(l->arena, "`%s`", shown_name(l->arena, name)));
    diagnostic_also(d, first->place, "it is given here first");
    diagnostic_help(l->diagnostics, d, "remove one of the two");
}

/* Makes MAP of PAIRS, in place, as a Python dict would. Those before FROM were merged in: to override them is no
 * accident. */
static void fill_map(struct loader *l, struct node *map, struct pair *pairs, size_t count, size_t from)
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

static void append_pairs(struct loader *l, struct merged *merged, const struct pair *pairs, size_t count)
{
    ARENA_GROW(l->arena, merged->pairs, merged->capacity, merged->count + count);
    if (count > 0)
        memcpy(merged->pairs + merged->count, pairs, count * sizeof(struct pair));
    merged->count += count;
}

/* In a list the earlier map wins, so it is put in last. */
static void merge_value(struct loader *l, struct merged *merged, const struct node *value)
{
    if (is_mapping(value)) {
        append_pairs(l, merged, value->pairs, value->pair_count);
        return;
    }
    if (value->kind != NODE_SEQUENCE) {
        refuse_value(l, value->place, "expected a mapping or list of mappings for merging");
        return;
    }
    for (size_t i = 0; i < value->count; i++)
        if (!is_mapping(value->items[i])) {
            refuse_value(l, value->items[i]->place, "expected a mapping for merging");
            return;
        }
    for (size_t i = value->count; i > 0; i--)
        append_pairs(l, merged, value->items[i - 1]->pairs, value->items[i - 1]->pair_count);
}

/* PyYAML finds an unhashable key. */
static void refuse_name(struct loader *l, const struct node *key)
{
    struct diagnostic *d = refuse_value(l, key->place, "a mapping or a list cannot be the name of a setting");
    if (key->kind == NODE_MAP)
        diagnostic_help(&l->values, d, "YAML has no {{ templates }}: write ${NAME} for a variable, or quote the value");
}

static void finish_map(struct loader *l, struct node *map, const struct child *children, size_t count)
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

/* An item of !!omap or !!pairs is never made a dict of: its pair stays as it is written, and its key is a value like
 * any other. */
static void finish_item(struct loader *l, struct node *map, const struct child *children, size_t count)
{
    map->kind = NODE_MAP;
    map->pair_count = count;
    map->pairs = arena_alloc(l->arena, count * sizeof *map->pairs);
    for (size_t i = 0; i < count; i++) {
        map->pairs[i] = children[i].pair;
        if (children[i].key_tag == TAG_MERGE || children[i].key_tag == TAG_VALUE)
            refuse_value(l, map->pairs[i].key->place, "Hermes's YAML reader cannot make a value of this");
    }
}

static struct node *mapping(struct loader *l, const struct input *in, const yaml_event_t *event)
{
    struct node *node = new_node(l, event);
    size_t weight = l->weight;
    size_t base = l->depth;
    bool pairing = take(&l->pairing);
    bool unmade = take(&l->merging) || pairing;
    enum yaml_tag tag = collection_tag(l, event->data.mapping_start.tag, TAG_MAP, node->place, unmade);
    ptrdiff_t anchor = set_anchor(l, event->data.mapping_start.anchor, &event->start_mark, node);
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
            refuse_value(l, value->place, "Hermes's YAML reader cannot make a value of this");
        push(l, (struct child){{key, value}, key_tag});
    }
    size_t count = l->depth - base;
    if (!l->failed && pairing)
        finish_item(l, node, l->stack + base, count);
    else if (!l->failed && count > 0)
        finish_map(l, node, l->stack + base, count);
    l->depth = base;
    complete_anchor(l, anchor, l->weight - weight + 1);
    return node;
}

static bool written_in_brackets(const yaml_event_t *event)
{
    return event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
                                                    : event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
}

static struct node *compose(struct loader *l, const struct input *in, yaml_event_t *event, enum yaml_tag *ret_tag)
{
    struct node *node = NULL;
    *ret_tag = TAG_STR;
    if (event->type == YAML_SCALAR_EVENT)
        return scalar(l, event, ret_tag);
    if (event->type == YAML_ALIAS_EVENT)
        return alias(l, event, ret_tag);
    if (++l->nesting > MAX_NESTING) {
        if (!l->failed)
            (void)diagnostic_add(l->diagnostics, CODE_NESTING_LIMIT, place_of(l, &event->start_mark, NULL),
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

/* Exactly one document, or none. */
static struct node *document(struct loader *l, const struct input *in)
{
    struct node *root = NULL;
    yaml_event_t event;
    struct memory_hold hold;
    enum yaml_tag tag;
    for (bool more = true; more && next_event(l, &event, in->bytes, in->len);) {
        memory_hold(&hold, wipe_event, &event);
        more = event.type != YAML_STREAM_END_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT && root != NULL)
            fail_at(l, &event.start_mark, "expected a single document in the stream, but found another document");
        else if (event.type == YAML_SCALAR_EVENT || event.type == YAML_ALIAS_EVENT ||
                 event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT) {
            root = compose(l, in, &event, &tag);
            if (root != NULL && (tag == TAG_MERGE || tag == TAG_VALUE))
                refuse_value(l, root->place, "Hermes's YAML reader cannot make a value of this");
        }
        memory_give_back(&hold);
    }
    if (root == NULL && !l->failed) {
        root = arena_alloc(l->arena, sizeof *root);
        *root = (struct node){.kind = NODE_NULL, .place = {.source = l->source}};
    }
    return l->failed ? NULL : root;
}

static bool check_encoding(struct loader *l, const char *bytes, size_t len)
{
    size_t at = utf8_valid(bytes, len);
    if (at == len)
        return true;
    const char *encoding = syntax_slip_encoding(bytes, len);
    struct place place = place_of_offset(l, bytes, len, at);
    struct diagnostic *d = encoding != NULL ? diagnostic_add(l->diagnostics, CODE_NOT_UTF_8, place, "%s", encoding)
                                            : diagnostic_add(l->diagnostics, CODE_NOT_UTF_8, place,
                                                             "invalid UTF-8 byte 0x%02x", (unsigned char)bytes[at]);
    diagnostic_help(l->diagnostics, d, "save the file as UTF-8");
    return false;
}

/* Text mode: strict UTF-8 without its BOM; CRLF and lone CR become LF. False after a diagnostic. */
static bool decode(struct loader *l, struct input *in)
{
    const struct source *source = l->source;
    size_t mark = source->len >= 3 && memcmp(source->bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    *in = (struct input){source->bytes + mark, source->len - mark};
    if (!check_encoding(l, in->bytes, in->len))
        return false;
    if (memchr(in->bytes, '\r', in->len) == NULL)
        return true;
    char *out = arena_alloc(l->arena, in->len + 1);
    size_t used = 0;
    for (size_t i = 0; i < in->len; i++) {
        bool returns = in->bytes[i] == '\r';
        out[used++] = returns ? '\n' : in->bytes[i];
        i += returns && i + 1 < in->len && in->bytes[i + 1] == '\n';
    }
    *in = (struct input){out, used};
    return true;
}

static struct loader new_loader(struct arena *arena, const struct source *source, struct diagnostics *diagnostics)
{
    return (struct loader){.arena = arena, .source = source, .diagnostics = diagnostics, .values = {.arena = arena}};
}

static void wipe_parser(void *data)
{
    yaml_parser_t *parser = data;
    sodium_memzero(parser->buffer.start, (size_t)(parser->buffer.end - parser->buffer.start));
    sodium_memzero(parser->raw_buffer.start, (size_t)(parser->raw_buffer.end - parser->raw_buffer.start));
    yaml_parser_delete(parser);
}

static struct node *read_document(struct loader *l, const struct input *in)
{
    struct yaml_comments comments = yaml_comments_of(in->bytes, in->len);
    if (!yaml_parser_initialize(&l->parser))
        memory_failed();
    struct memory_hold hold;
    memory_hold(&hold, wipe_parser, &l->parser);
    yaml_parser_set_encoding(&l->parser, YAML_UTF8_ENCODING);
    if (l->shortened)
        yaml_parser_set_input(&l->parser, yaml_comments_skip, &comments);
    else
        yaml_parser_set_input_string(&l->parser, (const unsigned char *)in->bytes, in->len);
    struct node *root = document(l, in);
    memory_give_back(&hold);
    arena_give_back(l->arena, l->stack, l->stack_capacity * sizeof *l->stack);
    return root;
}

/* libyaml compares each %TAG line with all before it. */
static bool too_many_directives(const struct loader *l, const struct input *in)
{
    const char *end = in->bytes + in->len;
    size_t count = 0;
    for (const char *at = in->bytes; (at = memmem(at, (size_t)(end - at), "%TAG", 4)) != NULL; at += 4) {
        bool starts_a_line = at == in->bytes || at[-1] == '\n' || at[-1] == '\r' || (unsigned char)at[-1] >= 0x80;
        if (!starts_a_line || ++count <= MAX_DIRECTIVES)
            continue;
        (void)diagnostic_add(l->diagnostics, CODE_DIRECTIVE_LIMIT,
                             place_of_offset(l, in->bytes, in->len, (size_t)(at - in->bytes)),
                             "more than %d %%TAG lines", MAX_DIRECTIVES);
        return true;
    }
    return false;
}

struct node *yaml_load(struct arena *arena, const struct source *source, struct diagnostics *diagnostics)
{
    struct diagnostics said = {.arena = arena, .most = diagnostics->most};
    struct loader l = new_loader(arena, source, diagnostics);
    struct input in;
    if (!decode(&l, &in) || too_many_directives(&l, &in))
        return NULL;
    const bool readers_may_differ = yaml_readers_may_differ(in.bytes, in.len);
    l.diagnostics = &said;
    l.shortened = !readers_may_differ; /* the readers are compared character by character */
    struct node *root = l.shortened ? read_document(&l, &in) : NULL;
    if (l.failed || !l.shortened) {
        l = new_loader(arena, source, &said);
        said = (struct diagnostics){.arena = arena, .most = diagnostics->most};
        l.readers_may_differ = readers_may_differ;
        root = read_document(&l, &in);
    }
    diagnostics_append(diagnostics, &said);
    if (l.failed)
        return NULL;
    if (readers_may_differ)
        yaml_readers_check(source, in.bytes, in.len, &l.texts, diagnostics);
    diagnostics_append(diagnostics, &l.values);
    return l.values.count > 0 ? NULL : root;
}
