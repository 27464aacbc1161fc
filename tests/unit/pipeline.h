/* The pure stages of a compile, one after the other, on texts in memory: for unit tests, fuzz targets and the projector
 * of the system tests. */
#ifndef HERMES_PIPELINE_H
#define HERMES_PIPELINE_H

#include <string.h>

#include "config_check.h"
#include "dotenv.h"
#include "emit.h"
#include "gateway_view.h"
#include "pool.h"
#include "pool_read.h"
#include "resolve.h"
#include "source.h"
#include "variable_check.h"
#include "yaml_load.h"

struct texts {
    const char *config, *env, *pool; /* pool: NULL where there is no auth.json */
    size_t config_len, env_len, pool_len;
};

struct compiled {
    struct source config, env, pool;
    struct diagnostics diagnostics;
    struct environment environment;
    struct node *settings; /* the gateway's view */
    struct providers providers;
    struct text content; /* bytes: NULL when the sources are invalid */
};

static inline void source_of(struct source *source, enum source_kind kind, const char *label, struct arena *arena,
                             const char *bytes, size_t len)
{
    *source = (struct source){.kind = kind, .order = kind, .path = label, .label = label, .present = bytes != NULL};
    source->bytes = arena_strndup(arena, bytes == NULL ? "" : bytes, len);
    source->len = len;
}

static inline void compile_texts(struct arena *arena, const struct texts *in, struct compiled *f)
{
    *f = (struct compiled){.diagnostics = {.arena = arena}};
    source_of(&f->config, SOURCE_CONFIG, "config.yaml", arena, in->config, in->config_len);
    source_of(&f->env, SOURCE_ENV, ".env", arena, in->env, in->env_len);
    source_of(&f->pool, SOURCE_POOL, "auth.json", arena, in->pool, in->pool_len);
    struct node *user = yaml_load(arena, &f->config, &f->diagnostics);
    config_check(user, &f->diagnostics);
    dotenv_load(arena, &f->env, &f->environment, &f->diagnostics);
    if (f->diagnostics.errors > 0)
        return;
    variable_check(&f->environment, &f->diagnostics);
    const struct gateway_view_input view = {.user = user, .environment = &f->environment};
    struct node *config = gateway_view(arena, &view, &f->diagnostics);
    f->settings = config;
    struct custom_providers customs = custom_providers_of(arena, config, &f->diagnostics);
    struct pool_view pool = pool_read(arena, &f->pool, &customs, &f->diagnostics);
    const struct resolve_input input = {config, NULL, &customs, &f->environment, &pool, NULL, false, false};
    f->providers = resolve(arena, &input, &f->diagnostics);
    struct source *sources[] = {&f->config, &f->env, &f->pool};
    const struct emit_input emit = {.sources = sources,
                                    .source_count = 3,
                                    .config = config,
                                    .environment = &f->environment,
                                    .providers = &f->providers};
    struct text content = emit_content(arena, &emit, &f->diagnostics);
    if (f->diagnostics.errors == 0)
        f->content = content;
}

/* The same of texts that end in a NUL; it lives as long as the arena. */
static inline struct compiled *compile_strings(struct arena *arena, const char *config, const char *env,
                                               const char *pool)
{
    const struct texts in = {config, env, pool, strlen(config), strlen(env), pool == NULL ? 0 : strlen(pool)};
    struct compiled *compiled = arena_alloc(arena, sizeof *compiled);
    compile_texts(arena, &in, compiled);
    return compiled;
}

static inline struct text laid_out(struct arena *arena, const struct piece *pieces, size_t count)
{
    struct text text = {.arena = arena};
    for (size_t i = 0; i < count; i++)
        text_append(&text, pieces[i].bytes, pieces[i].len);
    return text;
}

#endif
