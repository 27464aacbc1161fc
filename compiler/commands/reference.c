#include "reference.h"

#include <string.h>

#include "json_write.h"
#include "shown.h"
#include "source.h"

/* What is looked for, and what is done with each one found. */
struct search {
    const struct compilation *c;
    struct place place; /* only in this text; no source: in all */
    const char *name;   /* only this variable, or NULL */
    struct text *out;   /* JSON, or NULL */
    FILE *stream;
};

static void found(const struct search *s, const struct node *text, const struct binding *binding)
{
    struct place place = s->name != NULL ? text->place : binding->place;
    const char *name = shown_name(s->c->arena, binding->name);
    if (s->out != NULL) {
        json_write_item(s->out);
        text_putc(s->out, '{');
        if (s->name == NULL)
            json_write_member(s->out, "variable", name);
        json_write_place(s->out, place, NULL);
        text_putc(s->out, '}');
    } else if (s->name != NULL) {
        (void)fprintf(s->stream, "  put into  %s\n", diagnostic_place_text(s->c->arena, place));
    } else {
        (void)fprintf(s->stream, "  out of    %s  %s\n", name, diagnostic_place_text(s->c->arena, place));
    }
}

static void search_text(const struct search *s, const struct node *text)
{
    if (s->place.source != NULL && !diagnostic_same_place(&s->place, &text->place))
        return;
    for (const char *at = text->text, *close; (at = strstr(at, "${")) != NULL; at = close + 1) {
        close = strchr(at, '}');
        if (close == NULL)
            return;
        const char *name = arena_strndup(s->c->arena, at + 2, (size_t)(close - at) - 2);
        const struct binding *binding = environment_get(&s->c->environment, name);
        if (binding != NULL && (s->name == NULL || strcmp(s->name, name) == 0))
            found(s, text, binding);
    }
}

static void search_tree(const struct search *s, const struct node *node)
{
    if (node_is(node, NODE_STRING))
        search_text(s, node);
    for (size_t i = 0; node_is(node, NODE_SEQUENCE) && i < node->count; i++)
        search_tree(s, node->items[i]);
    for (size_t i = 0; node_is(node, NODE_MAP) && i < node->pair_count; i++)
        search_tree(s, node->pairs[i].value);
}

static void search(const struct search *s)
{
    search_tree(s, s->c->sources.managed_config);
    search_tree(s, s->c->sources.user_config);
}

static void search_for_json(struct search s, const char *member)
{
    json_write_name(s.out, member);
    text_putc(s.out, '[');
    search(&s);
    text_putc(s.out, ']');
}

void reference_print_variables(const struct compilation *c, struct place place, FILE *stream)
{
    if (place.source != NULL)
        search(&(struct search){.c = c, .place = place, .stream = stream});
}

void reference_put_variables(struct text *out, const struct compilation *c, struct place place)
{
    if (place.source != NULL)
        search_for_json((struct search){.c = c, .place = place, .out = out}, "out_of");
}

void reference_print_texts(const struct compilation *c, const char *name, FILE *stream)
{
    search(&(struct search){.c = c, .name = name, .stream = stream});
}

void reference_put_texts(struct text *out, const struct compilation *c, const char *name)
{
    search_for_json((struct search){.c = c, .name = name, .out = out}, "put_into");
}
