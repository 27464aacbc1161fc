/* A YAML value with the place it stands at: what PyYAML's SafeLoader would have made of it, and where.
 *
 * Nodes are made by yaml_load and by gateway_view; they live in an arena and are not changed once a
 * stage has handed them on. */
#ifndef HERMES_NODE_H
#define HERMES_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnostic.h"
#include "must_check.h"

enum node_kind {
    NODE_NULL,
    NODE_BOOL,      /* boolean */
    NODE_INTEGER,   /* text: canonical decimal digits with an optional '-', of any size */
    NODE_FLOAT,     /* text: the shortest decimal that reads back as it, or ".inf" "-.inf" ".nan" */
    NODE_STRING,    /* text, UTF-8, may hold NULs when escaped so */
    NODE_TIMESTAMP, /* text: ISO 8601, "2001-12-14" or "2001-12-14T21:59:43.100000-05:00" */
    NODE_BINARY,    /* text: base64 without line breaks */
    NODE_SEQUENCE,  /* items; also !!omap and !!pairs, whose items are sequences of two */
    NODE_MAP,       /* pairs: keys unique, in PyYAML's order */
    NODE_SET,       /* pairs whose values are null */
};

struct pair {
    struct node *key;
    struct node *value;
};

struct node {
    enum node_kind kind : 8;
    bool plain; /* a scalar written without quotes and without an explicit tag */
    bool boolean;
    struct place place; /* first character of the value; length: characters on that line (0 for collections) */
    union {
        struct {
            const char *text;
            size_t len;
        };
        struct {
            struct node **items;
            size_t count;
        };
        struct {
            struct pair *pairs;
            size_t pair_count;
        };
    };
};

/* The value of a string key, or NULL (also when MAP is NULL or no map). */
struct node *node_get(const struct node *map, const char *key) MUST_CHECK;
/* The pair of it, for the key's place. */
const struct pair *node_pair(const struct node *map, const char *key);
/* The text of a string node, or NULL. */
const char *node_string(const struct node *node);
/* Of a truth value, an integer or a float; infinite where an integer is too large for a double. */
double node_number(const struct node *node);
/* Python's truth of a value: null, false, 0, 0.0, "" and empty collections are false; NULL is false. */
bool node_truthy(const struct node *node);
bool node_is(const struct node *node, enum node_kind kind);
/* "text", "a number", "a list": for messages. */
const char *node_kind_name(enum node_kind kind);

#endif
