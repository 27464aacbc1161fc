#include "shown.h"

#include "json_span.h"
#include "pipeline.h"
#include "view.h"

static struct compiled *compile(struct arena *arena, const char *config)
{
    return compile_strings(arena, config, "XIAOMI_API_KEY=sk-test-1\n", NULL);
}

/* The member `config` of the content that CONFIG becomes is VALUE, and SAID is said. */
static void check(const char *config, const char *value, const char *said)
{
    struct arena *arena = arena_create();
    const struct compiled *compiled = compile(arena, config);
    assert_string_equal(shown_diagnostics(&compiled->diagnostics), said);
    if (value == NULL) {
        assert_null(compiled->content.bytes);
    } else {
        struct text wanted = {.arena = arena};
        text_printf(&wanted, ",\"config\":%s,\"env\":", value);
        assert_non_null(compiled->content.bytes);
        if (strstr(compiled->content.bytes, wanted.bytes) == NULL)
            fail_msg("%s\nis not in\n%s", wanted.bytes, compiled->content.bytes);
    }
    arena_destroy(arena);
}

static void scalars_are_json(void **state)
{
    (void)state;
    check("{a: ~, b: yes, c: 12, d: 1.5, e: text, f: [], g: {}}",
          "{\"a\":null,\"b\":true,\"c\":12,\"d\":1.5,\"e\":\"text\",\"f\":[],\"g\":{}}", "");
    check("a: 123456789012345678901234567890", "{\"a\":123456789012345678901234567890}", "");
    check("a: \"\\u00e9 \\\" \\\\ \\n \\x01\"", "{\"a\":\"\xC3\xA9 \\\" \\\\ \\n \\u0001\"}", "");
}

static void what_json_cannot_say_is_kept_as_text(void **state)
{
    (void)state;
    check("a: 2026-01-02", "{\"a\":\"2026-01-02\"}", "config.yaml:1:4 not-json");
    check("a: .inf", "{\"a\":\".inf\"}", "config.yaml:1:4 not-json");
    check("a: !!binary aGVybWVz", "{\"a\":\"aGVybWVz\"}", "config.yaml:1:4 not-json");
    check("a: !!set {b, c}", "{\"a\":[\"b\",\"c\"]}", "config.yaml:1:4 not-json");
    check("a: {1: b}", "{\"a\":{\"1\":\"b\"}}", "config.yaml:1:5 key-not-text");
}

static void what_no_reader_could_hold_is_refused(void **state)
{
    (void)state;
    check("a: \"b\\0c\"", NULL, "config.yaml:1:4 nul-in-text");
}

/* To Hermes they are two names, and it runs. */
static void of_two_names_the_string_is_kept(void **state)
{
    (void)state;
    check("a: {1: b, '1': c}", "{\"a\":{\"1\":\"c\"}}", "config.yaml:1:5 same-key");
    check("a: {'1': c, 1: b, d: e}", "{\"a\":{\"1\":\"c\",\"d\":\"e\"}}", "config.yaml:1:13 same-key");
}

/* Keys of the same name in one object would be two answers to one question. */
static void the_content_is_json_without_doubles(void **state)
{
    struct arena *arena = arena_create();
    size_t at;
    (void)state;
    const struct compiled *compiled =
        compile(arena, "{model: {provider: xiaomi, api_key: sk-test-2}, a: {b: [1, {c: d}]}}");
    assert_non_null(compiled->content.bytes);
    assert_non_null(json_span_scan(arena, compiled->content.bytes, compiled->content.len, &at));
    arena_destroy(arena);
}

static void the_same_sources_give_the_same_bytes(void **state)
{
    static const char config[] = "{model: {provider: xiaomi, api_key: sk-test-2}, display: {skin: 2026-01-02}}";
    struct arena *arena = arena_create();
    (void)state;
    const struct compiled *one = compile(arena, config);
    const struct compiled *two = compile(arena, config);
    assert_int_equal(one->content.len, two->content.len);
    assert_memory_equal(one->content.bytes, two->content.bytes, one->content.len);
    arena_destroy(arena);
}

/* What is written is what the library reads. */
static void the_library_reads_it_back(void **state)
{
    struct arena *arena = arena_create();
    struct piece pieces[SNAPSHOT_PIECES];
    struct hermes_view *view;
    (void)state;
    const struct compiled *compiled =
        compile(arena, "{model: {provider: xiaomi, api_key: sk-test-2}, display: {skin: mono}}");
    emit_snapshot(arena, &compiled->content, 42, "/home/u/.hermes", "2026-01-02T03:04:05.678Z", pieces);
    struct text file = laid_out(arena, pieces, SNAPSHOT_PIECES);
    assert_int_equal(view_unpack(file.bytes, file.len, &view), 0);
    assert_int_equal(hermes_generation(view), 42);
    assert_string_equal(hermes_default_provider(view), "xiaomi");
    assert_string_equal(hermes_variable(view, "XIAOMI_API_KEY"), "sk-test-1");
    const struct hermes_provider *provider = hermes_provider(view, "xiaomi");
    assert_int_equal(provider->credential_count, 2);
    assert_string_equal(provider->credentials[0].secret, "sk-test-2");
    assert_string_equal(provider->credentials[0].origins[0].key, "model.api_key");
    assert_int_equal(provider->credentials[0].origins[0].column, 37);
    assert_string_equal(provider->credentials[1].secret, "sk-test-1");
    hermes_view_unref(view);
    arena_destroy(arena);
}

static void headers_of_the_later_map_win(void **state)
{
    struct arena *arena = arena_create();
    struct diagnostics diagnostics = {.arena = arena};
    struct source source;
    struct text out = {.arena = arena};
    static const char text[] = "[{X-A: one, X-B: two, bad: [1]}, {x-a: three, X-C: 4}]";
    (void)state;
    source_of(&source, SOURCE_CONFIG, "config.yaml", arena, text, strlen(text));
    const struct node *maps = yaml_load(arena, &source, &diagnostics);
    const struct provider provider = {.headers = {maps->items[0], maps->items[1]}};
    text_putc(&out, '{');
    emit_headers(&out, &provider);
    assert_string_equal(out.bytes, "{\"headers\":{\"X-B\":\"two\",\"x-a\":\"three\",\"X-C\":\"4\"}");
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_are_json),
        cmocka_unit_test(what_json_cannot_say_is_kept_as_text),
        cmocka_unit_test(what_no_reader_could_hold_is_refused),
        cmocka_unit_test(the_content_is_json_without_doubles),
        cmocka_unit_test(of_two_names_the_string_is_kept),
        cmocka_unit_test(the_same_sources_give_the_same_bytes),
        cmocka_unit_test(the_library_reads_it_back),
        cmocka_unit_test(headers_of_the_later_map_win),
    };
    return cmocka_run_group_tests_name("emit", tests, NULL, NULL);
}
