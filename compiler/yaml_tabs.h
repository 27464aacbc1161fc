/* Tabs between tokens: libyaml, and with it one of Hermes's loaders, takes them for blanks; PyYAML's own scanner refuses
 * the whole file. Inside quotes, comments and block scalars they are text. */
#ifndef HERMES_YAML_TABS_H
#define HERMES_YAML_TABS_H

#include "diagnostic.h"

/* The quoted and block scalars of a document, in the order of the text; counted in characters. */
struct yaml_texts {
    struct yaml_text {
        size_t start;
        size_t end;
        bool block; /* its first line is no text yet: `|-` */
    } * items;
    size_t count;
    size_t capacity;
};

void yaml_texts_add(struct arena *arena, struct yaml_texts *texts, struct yaml_text text);

/* A warning for each line of BYTES, the document, with such a tab. */
void yaml_tabs_check(const struct source *source, const char *bytes, size_t len, const struct yaml_texts *texts,
                     struct diagnostics *diagnostics);

#endif
