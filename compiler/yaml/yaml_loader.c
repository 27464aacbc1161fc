#include "yaml_loader.h"

#include <string.h>

#include "memory.h"
#include "syntax_slip.h"
#include "utf8.h"

void yaml_loader_fail_with(struct yaml_loader *l, struct syntax_error error)
{
    if (!l->failed && l->long_quote[1].line > 0) {
        error.long_quote = yaml_loader_place(l, &l->long_quote[0], NULL);
        error.long_quote_end = (unsigned)l->long_quote[1].line + 1;
    }
    if (!l->failed)
        syntax_slip_report(&error, l->diagnostics);
    l->failed = true;
}

void yaml_loader_fail_at(struct yaml_loader *l, const yaml_mark_t *mark, const char *message)
{
    yaml_loader_fail_with(l, (struct syntax_error){.problem = message, .at = yaml_loader_place(l, mark, NULL)});
}

struct diagnostic *yaml_loader_refuse(struct yaml_loader *l, struct place place, const char *message)
{
    return diagnostic_add(&l->values, CODE_YAML_VALUE, place, "%s", message);
}

struct place yaml_loader_place_of_offset(const struct yaml_loader *l, const char *bytes, size_t len, size_t offset)
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

static void fail_reader(struct yaml_loader *l, const char *bytes, size_t len)
{
    struct place place = yaml_loader_place_of_offset(l, bytes, len, l->parser.problem_offset);
    const char *encoding = syntax_slip_encoding(bytes, len);
    struct diagnostic *d =
        diagnostic_add(l->diagnostics, CODE_YAML_SYNTAX, place, "%s", encoding != NULL ? encoding : l->parser.problem);
    diagnostic_help(l->diagnostics, d, encoding != NULL ? "save the file as UTF-8" : "remove the character");
    l->failed = true;
}

void yaml_loader_fail_parser(struct yaml_loader *l, const char *bytes, size_t len)
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
        .problem = p->problem, .context = p->context, .at = yaml_loader_place(l, &p->problem_mark, NULL)};
    bool flow = p->context != NULL && strcmp(p->context, "while parsing a flow node") == 0;
    if (flow && p->marks.top > p->marks.start) /* libyaml names the missing node's place, which may be the file's end */
        error.began = yaml_loader_place(l, &p->marks.top[-1], NULL);
    else if (p->context != NULL)
        error.began = yaml_loader_place(l, &p->context_mark, NULL);
    yaml_loader_fail_with(l, error);
}

struct yaml_anchor *yaml_loader_find_anchor(struct yaml_loader *l, const char *name)
{
    const uint32_t *index = name_table_get(&l->anchor_names, name);
    return index == NULL ? NULL : &l->anchors[*index];
}

/* PyYAML refuses what the specification allows: to use a
 * name twice. */
ptrdiff_t yaml_loader_set_anchor(struct yaml_loader *l, const yaml_char_t *name, const yaml_mark_t *mark,
                                 struct node *node)
{
    if (name == NULL)
        return -1;
    if (yaml_loader_find_anchor(l, (const char *)name) != NULL) {
        yaml_loader_fail_at(l, mark, "found a second anchor of the same name");
        return -1;
    }
    ARENA_GROW(l->arena, l->anchors, l->anchor_capacity, l->anchor_count + 1);
    name_table_put(l->arena, &l->anchor_names, arena_strdup(l->arena, (const char *)name), l->anchor_count);
    l->anchors[l->anchor_count] = (struct yaml_anchor){node, 0, TAG_STR, false};
    return (ptrdiff_t)l->anchor_count++;
}

void yaml_loader_complete_anchor(struct yaml_loader *l, ptrdiff_t index, size_t weight)
{
    if (index < 0)
        return;
    l->anchors[index].weight = weight;
    l->anchors[index].complete = true;
}

struct node *yaml_loader_new_node(struct yaml_loader *l, const yaml_event_t *event)
{
    struct node *node = arena_alloc(l->arena, sizeof *node);
    node->place = yaml_loader_place(l, &event->start_mark, event->type == YAML_SCALAR_EVENT ? &event->end_mark : NULL);
    l->nodes++;
    l->weight++;
    return node;
}
