/* What YAML 1.1 makes of a plain scalar, as PyYAML's resolver and SafeConstructor have it. */
#ifndef HERMES_YAML_SCALAR_H
#define HERMES_YAML_SCALAR_H

#include "arena.h"
#include "node.h"

enum yaml_tag {
    TAG_NULL,
    TAG_BOOL,
    TAG_INT,
    TAG_FLOAT,
    TAG_TIMESTAMP,
    TAG_MERGE,
    TAG_VALUE,
    TAG_STR,
    TAG_BINARY,
    TAG_SEQ,
    TAG_MAP,
    TAG_SET,
    TAG_OMAP,
    TAG_PAIRS,
    TAG_UNKNOWN,
};

/* The implicit resolver: TAG_STR where nothing else fits. */
enum yaml_tag yaml_scalar_resolve(const char *text, size_t len);

/* Fills NODE's kind and value from LEN bytes of TEXT under TAG. NULL, or what PyYAML would raise. */
const char *yaml_scalar_construct(struct arena *arena, enum yaml_tag tag, const char *text, size_t len,
                                  struct node *node);

/* Something that YAML 1.2, or a person, reads as a number and YAML 1.1 does not: 1e3, 0o17. */
bool yaml_scalar_looks_like_number(const char *text, size_t len);

#endif
