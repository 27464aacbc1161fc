/* A YAML file while it is read: what its parts share. */
#ifndef HERMES_YAML_LOADER_H
#define HERMES_YAML_LOADER_H

#include <stddef.h>
#include <yaml.h>

#include "diagnostic.h"
#include "must_check.h"
#include "name_table.h"
#include "node.h"
#include "syntax_slip.h"
#include "yaml_readers.h"
#include "yaml_scalar.h"

/* A child of a collection that is not complete yet. */
struct yaml_child {
    struct pair pair;      /* key: NULL in a sequence */
    enum yaml_tag key_tag; /* TAG_MERGE: the key is `<<` */
};

struct yaml_anchor {
    struct node *node;
    size_t weight;
    enum yaml_tag tag; /* of a scalar */
    bool complete;
};

enum { LATE_TEXTS = 256 };

/* Children are gathered on one stack and copied out at their exact number. */
struct yaml_loader {
    struct arena *arena;
    const struct source *source;
    struct diagnostics *diagnostics;
    struct diagnostics values; /* what the constructor refuses: PyYAML says it only when the syntax is right */
    yaml_parser_t parser;
    struct yaml_child *stack;
    size_t depth;
    size_t stack_capacity;
    struct yaml_anchor *anchors;
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

/* What is read, as libyaml gets it. */
struct yaml_input {
    const char *bytes;
    size_t len;
};

static inline struct place yaml_loader_place(const struct yaml_loader *l, const yaml_mark_t *start,
                                             const yaml_mark_t *end)
{
    struct place place = {l->source, (uint32_t)start->line + 1, (uint32_t)start->column + 1, 0};
    if (end != NULL && end->line == start->line && end->column > start->column)
        place.length = (uint32_t)(end->column - start->column);
    return place;
}
/* libyaml knows only a byte offset. */
struct place yaml_loader_place_of_offset(const struct yaml_loader *l, const char *bytes, size_t len, size_t offset);

/* The file is none: the first reason is said, and nothing more is read. */
void yaml_loader_fail_with(struct yaml_loader *l, struct syntax_error error);
void yaml_loader_fail_at(struct yaml_loader *l, const yaml_mark_t *mark, const char *message);
/* libyaml says so. */
void yaml_loader_fail_parser(struct yaml_loader *l, const char *bytes, size_t len);
/* The value at PLACE is none. */
struct diagnostic *yaml_loader_refuse(struct yaml_loader *l, struct place place, const char *message);

struct node *yaml_loader_new_node(struct yaml_loader *l, const yaml_event_t *event) MUST_CHECK;

/* NULL: there is none of that name. */
struct yaml_anchor *yaml_loader_find_anchor(struct yaml_loader *l, const char *name) MUST_CHECK;
/* The index of the new anchor, or -1 when the value has none. */
ptrdiff_t yaml_loader_set_anchor(struct yaml_loader *l, const yaml_char_t *name, const yaml_mark_t *mark,
                                 struct node *node);
void yaml_loader_complete_anchor(struct yaml_loader *l, ptrdiff_t index, size_t weight);

#endif
