/* The snapshot's text. Pure: the same values give the same bytes. */
#ifndef HERMES_EMIT_H
#define HERMES_EMIT_H

#include "text.h"
#include "provider.h"
#include "environment.h"
#include "node.h"
#include "replace.h"
#include "source.h"

struct emit_input {
    struct source *const *sources;
    size_t source_count;
    const struct node *config;
    const struct environment *environment;
    const struct providers *providers;
    bool only_check; /* for the diagnostics alone: there is no text then */
};

/* The content value. What JSON cannot say is written so that nothing is lost, with a warning each; two keys of a map
 * that become the same text, and a NUL in a string, are errors: the text is not to be published then. */
struct text emit_content(struct arena *arena, const struct emit_input *input, struct diagnostics *diagnostics);

/* `"headers":{...}`, inside an object that is open; nothing when the provider's requests need no further ones. */
void emit_headers(struct text *out, const struct provider *provider);

/* The whole file around it. The pieces lie in CONTENT and in the arena. */
enum { SNAPSHOT_PIECES = 3 };
void emit_snapshot(struct arena *arena, const struct text *content, long long generation, const char *home,
                   const char *compiled_at, struct piece ret[SNAPSHOT_PIECES]);

#endif
