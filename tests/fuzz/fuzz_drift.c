/* Any bytes as a shell's start-up file, as a file of plain assignments and as a unit of systemd: findings, and no key
 * in them. */
#include "drift.h"
#include "drift_looks.h"
#include "fuzz.h"

/* Values of these two are keys, wherever they stand. */
static const char config[] = "model: {provider: xiaomi, api_key: sk-test-in-the-config}\n";
static const char env[] = "XIAOMI_API_KEY=sk-test-from-the-env-file\n";

static void check_findings(const struct drift *drift)
{
    char *printed = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&printed, &len);
    struct text out = {.arena = drift->arena};
    size_t at;
    drift_print(drift, stream);
    text_putc(&out, '{');
    drift_json(&out, drift);
    text_putc(&out, '}');
    (void)fwrite(out.bytes, 1, out.len, stream);
    (void)fclose(stream);
    must(json_span_scan(drift->arena, out.bytes, out.len, &at) != NULL, "the findings are no JSON");
    must(memmem(printed, len, "sk-test-", 8) == NULL, "a key was printed");
    free(printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct texts in = {.config = config, .env = env, .pool = "{}", .pool_len = 2};
    in.config_len = sizeof config - 1;
    in.env_len = sizeof env - 1;
    struct arena *arena = arena_create();
    struct compiled f;
    compile_texts(arena, &in, &f);
    struct compilation c = {
        .arena = arena, .config = f.settings, .environment = f.environment, .providers = f.providers};
    struct drift drift = {.arena = arena, .c = &c, .home = "/nowhere/.hermes", .user_home = "/nowhere"};
    const char *text = arena_strndup(arena, (const char *)data, size);
    drift_startup_text(&drift, "/nowhere/.bashrc", text, size, true);
    drift_startup_text(&drift, "/etc/environment", text, size, false);
    drift_unit_text(&drift, "/etc/systemd/user/hermes-gateway.service", text, size);
    check_findings(&drift);
    arena_destroy(arena);
    return 0;
}
