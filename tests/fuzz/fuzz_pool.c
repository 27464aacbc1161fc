/* Any bytes as auth.json: what is projected into it is JSON again, and right at the first go. */
#include "cooldown.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char config[] = "model: {provider: xiaomi, api_key: sk-test-in-the-config}\n";
    static const char env[] = "XIAOMI_API_KEY=sk-test-from-the-env-file\nDEEPSEEK_API_KEY=sk-test-deepseek-key\n";
    const struct texts in = {.config = config,
                             .config_len = sizeof config - 1,
                             .env = env,
                             .env_len = sizeof env - 1,
                             .pool = (const char *)data,
                             .pool_len = size};
    const double now = 1795000000.0;
    struct arena *arena = arena_create();
    struct cooldowns cooldowns = {.arena = arena};
    struct compiled f;
    size_t at;
    compile_texts(arena, &in, &f);
    check_secrets(&f);
    struct source source = f.pool;
    const struct pool_input input = {&source, &f.providers, &cooldowns, now, false, false};
    struct pool_projection once = pool_project(arena, &input, &f.diagnostics);
    if (once.count > 0) {
        struct text text = laid_out(arena, once.pieces, once.count);
        must(json_span_scan(arena, text.bytes, text.len, &at) != NULL, "the pool is no JSON");
        source.bytes = text.bytes;
        source.len = text.len;
        source.document = NULL; /* of the text before */
        must(pool_project(arena, &input, &f.diagnostics).count == 0, "a second projection changes something");
    }
    arena_destroy(arena);
    return 0;
}
