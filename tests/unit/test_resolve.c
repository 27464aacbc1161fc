#include "shown.h"

#include "pipeline.h"

/* "xiaomi http://h/v1 round_robin: model.api_key=sk-test-1, XIAOMI_API_KEY=sk-test-2; shadowed XIAOMI_API_KEY" */
static void show_provider(struct text *out, const struct provider *provider)
{
    text_printf(out, "%s %s %s:", provider->id, *provider->base_url == '\0' ? "-" : provider->base_url,
                strategy_name(provider->strategy));
    for (size_t i = 0; i < provider->credential_count; i++)
        text_printf(out, "%s %s=%s", i > 0 ? "," : "", provider->credentials[i].origins[0].key,
                    provider->credentials[i].secret);
    for (size_t i = 0; i < provider->shadowed_count; i++)
        text_printf(out, "; shadowed %s", provider->shadowed[i].origin.key);
    text_puts(out, provider->projected ? "\n" : " (not projected)\n");
}

/* The sources make PROVIDERS, one a line, and SAID is said about them. */
static void check(const char *config, const char *env, const char *pool, const char *providers, const char *said)
{
    struct arena *arena = arena_create();
    const struct compiled *compiled = compile_strings(arena, config, env, pool);
    struct text out = {.arena = arena};
    text_puts(&out, "");
    for (size_t i = 0; i < compiled->providers.count; i++)
        show_provider(&out, compiled->providers.items[i]);
    assert_string_equal(out.bytes, providers);
    assert_string_equal(shown_diagnostics(&compiled->diagnostics), said);
    arena_destroy(arena);
}

#define XIAOMI "xiaomi https://api.xiaomimimo.com/v1 fill_first:"

static void a_key_in_config_stands_before_the_variable(void **state)
{
    (void)state;
    check("model: {provider: xiaomi, api_key: sk-test-1}", "XIAOMI_API_KEY=sk-test-2\n", NULL,
          XIAOMI " model.api_key=sk-test-1, XIAOMI_API_KEY=sk-test-2; shadowed XIAOMI_API_KEY\n",
          "config.yaml:1:36 hermes-ignores, .env:1:16 shadowed-key");
}

static void one_key_in_two_places_is_one(void **state)
{
    (void)state;
    check("model: {provider: xiaomi, api_key: sk-test-1}", "XIAOMI_API_KEY=sk-test-1\n", NULL,
          XIAOMI " model.api_key=sk-test-1\n", "");
}

static void a_key_that_hermes_does_not_read_is_named(void **state)
{
    (void)state;
    check("model: {provider: xiaomi, api: sk-test-1}", "", NULL, XIAOMI " model.api=sk-test-1\n",
          "config.yaml:1:32 hermes-ignores");
    check("{model: {provider: xiaomi}, providers: {xiaomi: {api_key: sk-test-1}}}", "", NULL,
          XIAOMI " providers.xiaomi.api_key=sk-test-1\n", "config.yaml:1:59 hermes-ignores");
    check("{model: {provider: mine, api_key: sk-test-1}, providers: {mine: {base_url: 'https://h.example/v1'}}}", "",
          NULL, "custom:mine https://h.example/v1 fill_first: model.api_key=sk-test-1\n",
          "config.yaml:1:35 hermes-ignores");
    check("{model: {provider: mine}, providers: {mine: {base_url: 'https://h.example/v1', api_key: sk-test-1}}}", "",
          NULL, "custom:mine https://h.example/v1 fill_first: providers.mine.api_key=sk-test-1\n", "");
    check("model: {provider: xiaomi, api_key: sk-test-1, key_env: MINE}", "MINE=sk-test-1\n", NULL,
          XIAOMI " model.api_key=sk-test-1\n", "config.yaml:1:36 hermes-ignores");
    check("{model: {provider: xiaomi}, providers: {xiaomi: {key_env: MINE}}}", "MINE=sk-test-1\n", NULL,
          XIAOMI " MINE=sk-test-1\n", "config.yaml:1:59 hermes-ignores");
    check("{model: {provider: xiaomi}, providers: {xiaomi: {key_env: XIAOMI_API_KEY}}}", "XIAOMI_API_KEY=sk-test-1\n",
          NULL, XIAOMI " XIAOMI_API_KEY=sk-test-1\n", "");
}

/* Hermes makes an entry of the pool from the inline key, and asks the pool first; from the map it does only where there
 * is no list. */
static void the_inline_key_of_an_entry_goes_first(void **state)
{
    (void)state;
    check("providers: {mine: {base_url: 'https://h.example/v1', api_key: sk-test-1, key_env: MINE}}",
          "MINE=sk-test-2\n", NULL,
          "custom:mine https://h.example/v1 fill_first: providers.mine.api_key=sk-test-1; shadowed MINE\n",
          ".env:1:6 shadowed-key");
    check("{custom_providers: [], providers: {mine: {base_url: 'https://h.example/v1', api_key: sk-test-1,"
          " key_env: MINE}}}",
          "MINE=sk-test-2\n", NULL,
          "custom:mine https://h.example/v1 fill_first: MINE=sk-test-2; shadowed providers.mine.api_key "
          "(not projected)\n",
          "config.yaml:1:86 shadowed-key");
}

static void a_key_goes_to_its_own_provider_only(void **state)
{
    (void)state;
    check("model: {provider: openrouter}", "OPENAI_API_KEY=sk-test-1\n", NULL,
          "openai-api https://api.openai.com/v1 fill_first: OPENAI_API_KEY=sk-test-1\n"
          "openrouter https://openrouter.ai/api/v1 fill_first:\n",
          "");
    check("model: {api_key: sk-test-1}", "", NULL, "", "config.yaml:1:18 key-without-provider");
}

static void config_names_the_url(void **state)
{
    (void)state;
    check("model: {provider: xiaomi, base_url: 'http://h/v1'}",
          "XIAOMI_API_KEY=sk-test-1\nXIAOMI_BASE_URL=http://o/v1\n", NULL,
          "xiaomi http://h/v1 fill_first: XIAOMI_API_KEY=sk-test-1\n", ".env:2:17 base-url-shadowed");
    check("model: {provider: xiaomi}", "XIAOMI_API_KEY=sk-test-1\nXIAOMI_BASE_URL=http://o/v1\n", NULL,
          "xiaomi http://o/v1 fill_first: XIAOMI_API_KEY=sk-test-1\n", "");
}

static void strategies_are_those_of_the_file(void **state)
{
    (void)state;
    check("{model: {provider: xiaomi}, credential_pool_strategies: {xiaomi: round_robin}}",
          "XIAOMI_API_KEY=sk-test-1\n", NULL,
          "xiaomi https://api.xiaomimimo.com/v1 round_robin: XIAOMI_API_KEY=sk-test-1\n", "");
}

static void custom_providers_have_keys_of_their_own(void **state)
{
    (void)state;
    check("custom_providers: [{name: My LLM, base_url: 'http://h/v1', api_key: sk-test-1, key_env: MINE}]",
          "MINE=sk-test-2\n", NULL,
          "custom:my-llm http://h/v1 fill_first: custom_providers[0].api_key=sk-test-1; shadowed MINE\n",
          ".env:1:6 shadowed-key");
    check("custom_providers: [{name: mine, base_url: 'http://h/v1', key_env: MINE}]", "OTHER=sk-test-2\n", NULL,
          "custom:mine http://h/v1 fill_first: custom_providers[0].base_url=\n", "config.yaml:1:67 unset-variable");
    check("custom_providers: [{name: mine, base_url: 'https://h.example/v1', key_env: MINE}]", "OTHER=sk-test-2\n",
          NULL, "custom:mine https://h.example/v1 fill_first:\n", "config.yaml:1:76 unset-variable");
    check("custom_providers: [{name: mine, api_key: sk-test-1}]", "", NULL, "", "config.yaml:1:20 provider-dropped");
}

static void what_is_no_key_is_not_used(void **state)
{
    (void)state;
    check("model: {provider: xiaomi, api_key: changeme}", "", NULL, XIAOMI "\n", "config.yaml:1:36 unusable-key");
    check("model: {provider: xiaomi, api_key: 12345678}", "", NULL, XIAOMI "\n", "config.yaml:1:36 not-text");
    check("model: {provider: xiaomi, api_key: ''}", "XIAOMI_API_KEY=\n", NULL, XIAOMI "\n", "");
}

#define ENTRY(source, key)                                                                                             \
    "{\"version\": 1, \"credential_pool\": {\"xiaomi\": [{\"id\": \"aaaaaa\", \"label\": \"l\", \"auth_type\": "       \
    "\"api_key\","                                                                                                     \
    " \"priority\": 0, \"source\": \"" source "\", \"access_token\": \"" key "\"}]}}"

static void entries_made_by_hand_are_keys_too(void **state)
{
    (void)state;
    check("model: {provider: xiaomi}", "XIAOMI_API_KEY=sk-test-1\n", ENTRY("manual", "sk-test-2"),
          XIAOMI " credential_pool.xiaomi.aaaaaa=sk-test-2, XIAOMI_API_KEY=sk-test-1\n", "");
    check("model: {provider: xiaomi}", "XIAOMI_API_KEY=sk-test-1\n", ENTRY("manual:hermes-watch:X", "sk-test-2"),
          XIAOMI " XIAOMI_API_KEY=sk-test-1\n", ""); /* ours are derived, never a source */
    check("model: {provider: xiaomi, api_key: sk-test-1}", "XIAOMI_API_KEY=sk-test-1\n", ENTRY("manual", "sk-test-2"),
          XIAOMI " model.api_key=sk-test-1, credential_pool.xiaomi.aaaaaa=sk-test-2\n",
          "config.yaml:1:36 shadowed-key"); /* Hermes has the variable behind it */
}

static void what_was_removed_in_hermes_stays_removed(void **state)
{
    (void)state;
    check("model: {provider: xiaomi}", "XIAOMI_API_KEY=sk-test-1\n",
          "{\"version\": 1, \"credential_pool\": {}, \"suppressed_sources\": {\"xiaomi\": [\"env:XIAOMI_API_KEY\"]}}",
          XIAOMI "\n", ".env:1:16 suppressed-source");
}

static void a_task_with_a_key_of_its_own_is_a_provider(void **state)
{
    (void)state;
    check("{model: {provider: xiaomi}, auxiliary: {vision: {provider: xiaomi, api_key: sk-test-9}}}",
          "XIAOMI_API_KEY=sk-test-1\n", NULL,
          "auxiliary.vision https://api.xiaomimimo.com/v1 fill_first: auxiliary.vision.api_key=sk-test-9 (not "
          "projected)\n" XIAOMI " XIAOMI_API_KEY=sk-test-1\n",
          "");
    check("{model: {provider: xiaomi}, auxiliary: {vision: {provider: xiaomi, api_key: sk-test-1}}}",
          "XIAOMI_API_KEY=sk-test-1\n", NULL, XIAOMI " XIAOMI_API_KEY=sk-test-1\n", ""); /* it is the same key */
}

/* So that nothing depends on where an entry of the file happens to stand. */
static void the_order_of_providers_is_theirs(void **state)
{
    static const char a_first[] = "custom_providers: [{name: a, base_url: 'http://a/v1', api_key: sk-test-a},"
                                  " {name: b, base_url: 'http://b/v1', api_key: sk-test-b}]";
    static const char b_first[] = "custom_providers: [{name: b, base_url: 'http://b/v1', api_key: sk-test-b},"
                                  " {name: a, base_url: 'http://a/v1', api_key: sk-test-a}]";
    struct arena *arena = arena_create();
    (void)state;
    const struct providers *one = &compile_strings(arena, a_first, "", NULL)->providers;
    const struct providers *two = &compile_strings(arena, b_first, "", NULL)->providers;
    assert_int_equal(one->count, 2);
    assert_string_equal(one->items[0]->id, "custom:a");
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(one->items[i]->id, two->items[i]->id);
        assert_string_equal(one->items[i]->credentials[0].id.text, two->items[i]->credentials[0].id.text);
    }
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_in_config_stands_before_the_variable),
        cmocka_unit_test(one_key_in_two_places_is_one),
        cmocka_unit_test(a_key_that_hermes_does_not_read_is_named),
        cmocka_unit_test(the_inline_key_of_an_entry_goes_first),
        cmocka_unit_test(a_key_goes_to_its_own_provider_only),
        cmocka_unit_test(config_names_the_url),
        cmocka_unit_test(strategies_are_those_of_the_file),
        cmocka_unit_test(custom_providers_have_keys_of_their_own),
        cmocka_unit_test(what_is_no_key_is_not_used),
        cmocka_unit_test(entries_made_by_hand_are_keys_too),
        cmocka_unit_test(what_was_removed_in_hermes_stays_removed),
        cmocka_unit_test(a_task_with_a_key_of_its_own_is_a_provider),
        cmocka_unit_test(the_order_of_providers_is_theirs),
    };
    return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
