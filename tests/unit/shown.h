/* Values and diagnostics as short texts, so that a test can say in one line what it expects. */
#ifndef HERMES_SHOWN_H
#define HERMES_SHOWN_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "node.h"
#include "source.h"
#include "text.h"

static inline void show_node(struct text *out, const struct node *node);

static inline void show_pairs(struct text *out, const struct node *map)
{
    for (size_t i = 0; i < map->pair_count; i++) {
        text_puts(out, i > 0 ? ", " : "");
        show_node(out, map->pairs[i].key);
        if (map->kind == NODE_MAP) {
            text_puts(out, ": ");
            show_node(out, map->pairs[i].value);
        }
    }
}

static inline void show_items(struct text *out, const struct node *sequence)
{
    for (size_t i = 0; i < sequence->count; i++) {
        text_puts(out, i > 0 ? ", " : "");
        show_node(out, sequence->items[i]);
    }
}

/* Strings stand in quotes, other scalars behind the first letter of their kind: `{"a": i1, "b": [~, true, f1.5]}`. */
static inline void show_node(struct text *out, const struct node *node)
{
    static const char letters[] = {
        [NODE_INTEGER] = 'i', [NODE_FLOAT] = 'f', [NODE_TIMESTAMP] = 't', [NODE_BINARY] = 'b'};
    switch (node->kind) {
    case NODE_NULL:
        text_puts(out, "~");
        return;
    case NODE_BOOL:
        text_puts(out, node->boolean ? "true" : "false");
        return;
    case NODE_STRING:
        text_putc(out, '"');
        text_append(out, node->text, node->len);
        text_putc(out, '"');
        return;
    case NODE_SEQUENCE:
        text_putc(out, '[');
        show_items(out, node);
        text_putc(out, ']');
        return;
    case NODE_MAP:
    case NODE_SET:
        text_puts(out, node->kind == NODE_SET ? "set{" : "{");
        show_pairs(out, node);
        text_putc(out, '}');
        return;
    default:
        text_putc(out, letters[node->kind]);
        text_append(out, node->text, node->len);
    }
}

static inline const char *shown_tree(struct arena *arena, const struct node *node)
{
    struct text out = {.arena = arena};
    if (node == NULL)
        return "nothing";
    show_node(&out, node);
    return out.bytes;
}

/* "config.yaml:2:3 duplicate-key, .env:1:1 env-bom". */
static inline const char *shown_diagnostics(const struct diagnostics *list)
{
    struct text out = {.arena = list->arena};
    text_puts(&out, "");
    for (size_t i = 0; i < list->count; i++)
        text_printf(&out, "%s%s %s", i > 0 ? ", " : "", diagnostic_place_text(list->arena, list->items[i]->place),
                    diagnostic_code_pages[list->items[i]->code].name);
    return out.bytes;
}

#endif
