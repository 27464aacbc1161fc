/* Any bytes as .env. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char config[] =
        "model: {provider: xiaomi, api_key: \"${MODEL_KEY}\"}\nauxiliary: {vision: {key_env: V_KEY}}\n";
    const struct texts in = {.config = config,
                             .config_len = sizeof config - 1,
                             .env = (const char *)data,
                             .env_len = size,
                             .pool = "{}",
                             .pool_len = 2};
    struct arena *arena = arena_create();
    struct compiled fuzzed;
    compile_texts(arena, &in, &fuzzed);
    check_secrets(&fuzzed);
    check_content(&fuzzed);
    arena_destroy(arena);
    return 0;
}
