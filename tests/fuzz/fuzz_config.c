/* Any bytes as config.yaml: a diagnostic or a valid content, the same twice, and no key in what is printed. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char env[] = "XIAOMI_API_KEY=sk-test-from-the-env-file\nA=one\nB=${A}two\n";
    const struct texts in = {.config = (const char *)data,
                             .config_len = size,
                             .env = env,
                             .env_len = sizeof env - 1,
                             .pool = "{}",
                             .pool_len = 2};
    struct arena *arena = arena_create();
    struct fuzzed first;
    struct fuzzed second;
    compile_texts(arena, &in, &first);
    compile_texts(arena, &in, &second);
    check_secrets(&first);
    check_content(&first);
    must(first.content.len == second.content.len, "not deterministic");
    must(first.content.len == 0 || memcmp(first.content.bytes, second.content.bytes, first.content.len) == 0,
         "not deterministic");
    arena_destroy(arena);
    return 0;
}
