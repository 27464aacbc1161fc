/* What publishing would change: the new content against the previous snapshot, named per provider. */
#ifndef HERMES_PLAN_H
#define HERMES_PLAN_H

#include <stdbool.h>

#include "arena.h"
#include "credential.h"
#include "hermes_runtime.h"

struct plan {
    bool first;        /* there was no (usable) snapshot before */
    bool changed;      /* the content differs by at least one byte */
    struct text lines; /* for people, one line per change: "xiaomi: rotated sha256:... -> sha256:... (config.yaml:4:12 model.api_key)" */
};

/* PREVIOUS may be NULL. Pure. */
struct plan plan_changes(struct arena *arena, const struct hermes_view *previous, const struct providers *providers,
                         const char *content, size_t content_len);

#endif
