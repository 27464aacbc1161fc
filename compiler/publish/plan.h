/* What publishing would change: the new content against the previous snapshot, named per provider. */
#ifndef HERMES_PLAN_H
#define HERMES_PLAN_H

#include <stdbool.h>

#include "text.h"
#include "provider.h"
#include "hermes_runtime.h"

/* Keys are named by fingerprint. */
struct change {
    const char *what;     /* "added", "removed", "rotated", "reordered", "base_url", "strategy", "default_provider",
                             "config", "variable" */
    const char *provider; /* NULL: of no provider */
    const char *path;     /* "config": the leaf; "variable": its name; else NULL */
    const char *from;     /* NULL: nothing */
    const char *to;
    const struct origin *origin; /* of the new key, or NULL */
};

struct plan {
    bool first;   /* there was no (usable) snapshot before */
    bool changed; /* the content differs by at least one byte */
    struct change *changes;
    size_t count;
    size_t capacity;
    struct text lines; /* the same for people, a line per change */
};

/* PREVIOUS may be NULL. Notes which credentials it does not have. Pure. */
struct plan plan_changes(struct arena *arena, const struct hermes_view *previous, const struct providers *providers,
                         const char *content, size_t content_len);
void plan_add(struct plan *plan, struct change change);
/* `"changes":[...]`, inside an object that is open. */
void plan_json(struct text *out, const struct plan *plan);

#endif
