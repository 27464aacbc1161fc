/* What the fuzz targets share: a compile in memory, and what must hold after any of them. */
#ifndef HERMES_FUZZ_H
#define HERMES_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_check.h"
#include "dotenv.h"
#include "emit.h"
#include "gateway_view.h"
#include "json_span.h"
#include "pool.h"
#include "pool_read.h"
#include "report.h"
#include "resolve.h"
#include "source.h"
#include "variable_check.h"
#include "yaml_load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct texts {
    const char *config, *env, *pool;
    size_t config_len, env_len, pool_len;
};

struct fuzzed {
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
    *source = (struct source){.kind = kind, .order = kind, .path = label, .label = label, .present = true};
    source->bytes = arena_strndup(arena, bytes, len);
    source->len = len;
}

static inline void compile_texts(struct arena *arena, const struct texts *in, struct fuzzed *f)
{
    *f = (struct fuzzed){.diagnostics = {.arena = arena}};
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
    const struct resolve_input input = {config, NULL, &customs, &f->environment, &pool};
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

static inline struct text laid_out(struct arena *arena, const struct piece *pieces, size_t count)
{
    struct text text = {.arena = arena};
    for (size_t i = 0; i < count; i++)
        text_append(&text, pieces[i].bytes, pieces[i].len);
    return text;
}

static inline void must(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "BROKEN: %s\n", what);
    abort();
}

/* No key may be in anything that is printed. Only keys that look like keys are looked for: `config.yaml` is one, too. */
static inline void check_secrets(const struct fuzzed *f)
{
    char *printed = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&printed, &len);
    struct text out = {.arena = f->diagnostics.arena};
    for (size_t i = 0; i < f->diagnostics.count; i++)
        diagnostic_print(f->diagnostics.items[i], true, stream);
    text_putc(&out, '{');
    report_json(&out, &f->diagnostics);
    (void)fwrite(out.bytes, 1, out.len, stream);
    (void)fclose(stream);
    for (size_t i = 0; i < f->providers.count; i++)
        for (size_t k = 0; k < f->providers.items[i]->credential_count; k++) {
            const char *secret = f->providers.items[i]->credentials[k].secret;
            bool looked_for = strncmp(secret, "sk-test-", 8) == 0 && strlen(secret) > 12;
            must(!looked_for || memmem(printed, len, secret, strlen(secret)) == NULL, "a key was printed");
        }
    free(printed);
}

static inline void check_content(const struct fuzzed *f)
{
    size_t at;
    if (f->content.bytes != NULL)
        must(json_span_scan(f->diagnostics.arena, f->content.bytes, f->content.len, &at) != NULL,
             "the content is no JSON");
    else
        must(f->diagnostics.errors > 0, "refused without an error");
}

#endif
