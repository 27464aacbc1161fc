#include "yaml_value.h"

#include <string.h>

#include "yaml_comments.h"
#include "yaml_scalar.h"

#define TAG_PREFIX "tag:yaml.org,2002:"

enum yaml_tag yaml_value_tag(const yaml_char_t *tag)
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

/* "!" says only that it is none of the usual ones. */
static bool is_given(const yaml_char_t *tag)
{
    return tag != NULL && strcmp((const char *)tag, "!") != 0;
}

/* What plain scalars are that look like something else: nobody would see it in the file. */
static void warn_surprise(struct yaml_loader *l, const struct node *node, const char *text, size_t len)
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

static void keep_text(struct yaml_loader *l, struct node *node, const char *text, size_t len)
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

static void note_long_quote(struct yaml_loader *l, const yaml_event_t *event)
{
    yaml_scalar_style_t style = event->data.scalar.style;
    bool quoted = style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    if (!quoted || event->end_mark.line == event->start_mark.line)
        return;
    l->long_quote[0] = event->start_mark;
    l->long_quote[1] = event->end_mark;
}

/* What one of Hermes's two readers takes for something else than the other, or for nothing at all. */
static void warn_readers(struct yaml_loader *l, const yaml_event_t *event, const struct node *node)
{
    const char *text = (const char *)event->data.scalar.value;
    const size_t len = event->data.scalar.length;
    const yaml_char_t *tag = event->data.scalar.tag;
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return;
    if (tag != NULL && !is_given(tag) && len == 0)
        (void)diagnostic_add(l->diagnostics, CODE_YAML_READERS_DIFFER, node->place,
                             "a \"!\" with no value: one of Hermes's two YAML readers reads an empty string, the other "
                             "null");
    if (l->flow > 0 && memchr(text, '?', len) != NULL)
        (void)diagnostic_add(
            l->diagnostics, CODE_YAML_READERS_DIFFER, node->place,
            "a \"?\" in brackets without quotes: one of Hermes's two YAML readers rejects the whole file for it");
}

static void note_quotes(struct yaml_loader *l, const yaml_event_t *event)
{
    const yaml_scalar_style_t style = event->data.scalar.style;
    note_long_quote(l, event);
    if (l->readers_may_differ && style != YAML_PLAIN_SCALAR_STYLE)
        yaml_readers_add_text(
            l->arena, &l->texts,
            (struct yaml_text){event->start_mark.index, event->end_mark.index,
                               style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE});
}

static enum yaml_tag tag_of(const yaml_event_t *event)
{
    if (is_given(event->data.scalar.tag))
        return yaml_value_tag(event->data.scalar.tag);
    return event->data.scalar.plain_implicit
               ? yaml_scalar_resolve((const char *)event->data.scalar.value, event->data.scalar.length)
               : TAG_STR;
}

static void construct(struct yaml_loader *l, struct node *node, enum yaml_tag tag, const char *text, size_t len)
{
    const char *why = NULL;
    if (tag == TAG_STR)
        keep_text(l, node, text, len);
    else
        why = yaml_scalar_construct(l->arena, tag, text, len, node);
    if (why != NULL)
        yaml_loader_refuse(l, node->place, why);
    else if (node->plain)
        warn_surprise(l, node, text, len);
}

struct node *yaml_value(struct yaml_loader *l, const yaml_event_t *event, enum yaml_tag *ret_tag)
{
    l->failed = l->failed || (l->shortened && yaml_comments_may_be_in(event));
    struct node *node = yaml_loader_new_node(l, event);
    const char *text = (const char *)event->data.scalar.value;
    const size_t len = event->data.scalar.length;
    const enum yaml_tag tag = tag_of(event);
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !is_given(event->data.scalar.tag);
    ptrdiff_t anchor = yaml_loader_set_anchor(l, event->data.scalar.anchor, &event->start_mark, node);
    yaml_loader_complete_anchor(l, anchor, 1);
    if (anchor >= 0)
        l->anchors[anchor].tag = tag;
    *ret_tag = tag;
    note_quotes(l, event);
    if (tag == TAG_MERGE || tag == TAG_VALUE) {
        keep_text(l, node, text, len);
    } else if (tag == TAG_MAP || tag == TAG_SET || tag == TAG_SEQ || tag == TAG_OMAP || tag == TAG_PAIRS) {
        yaml_loader_refuse(l, node->place, "expected a collection here, but found a scalar");
    } else {
        warn_readers(l, event, node);
        construct(l, node, tag, text, len);
    }
    return node;
}
