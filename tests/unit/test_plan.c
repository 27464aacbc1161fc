#include "shown.h"

#include "pipeline.h"
#include "plan.h"
#include "view.h"

#define ONE   "{provider: xiaomi, api_key: sk-test-1}"
#define TWO   "{provider: xiaomi, api_key: sk-test-2}"
#define KEY_1 "sha256:db567a0dd8d24a1a"
#define KEY_2 "sha256:fb9488d16e346f69"

static struct compiled *compile(struct arena *arena, const char *config, const char *env)
{
    struct compiled *compiled = compile_strings(arena, config, env, NULL);
    assert_non_null(compiled->content.bytes);
    return compiled;
}

static struct hermes_view *published(struct arena *arena, const struct compiled *compiled)
{
    struct piece pieces[SNAPSHOT_PIECES];
    struct hermes_view *view;
    emit_snapshot(arena, &compiled->content, 1, "/home/u/.hermes", "2026-01-02T03:04:05.678Z", pieces);
    struct text file = laid_out(arena, pieces, SNAPSHOT_PIECES);
    assert_int_equal(view_unpack(file.bytes, file.len, &view), 0);
    return view;
}

struct sources {
    const char *config;
    const char *env;
};

/* From BEFORE (no config: nothing was published yet) to NOW these LINES are shown. */
static void check(struct sources before, struct sources now, const char *lines)
{
    struct arena *arena = arena_create();
    struct hermes_view *view = NULL;
    if (before.config != NULL) {
        const struct compiled *old = compile(arena, before.config, before.env);
        view = published(arena, old);
    }
    const struct compiled *new = compile(arena, now.config, now.env);
    struct plan plan = plan_changes(arena, view, &new->providers, new->content.bytes, new->content.len);
    assert_string_equal(plan.lines.bytes == NULL ? "" : plan.lines.bytes, lines);
    assert_int_equal(plan.first, view == NULL);
    assert_int_equal(plan.changed, *lines != '\0');
    hermes_view_unref(view);
    arena_destroy(arena);
}

static void the_first_snapshot_adds_everything(void **state)
{
    (void)state;
    check((struct sources){NULL, NULL}, (struct sources){"model: " ONE, ""},
          "default provider: none -> xiaomi\nxiaomi: added " KEY_1 " (config.yaml:1:36 model.api_key)\n");
}

static void nothing_changed_is_nothing(void **state)
{
    (void)state;
    check((struct sources){"model: " ONE, "A=b\n"}, (struct sources){"model: " ONE, "A=b\n"}, "");
}

static void a_key_in_another_ones_place_is_rotated(void **state)
{
    (void)state;
    check((struct sources){"model: " ONE, ""}, (struct sources){"model: " TWO, ""},
          "xiaomi: rotated " KEY_1 " -> " KEY_2 " (config.yaml:1:36 model.api_key)\n");
}

static void keys_come_and_go(void **state)
{
    (void)state;
    check((struct sources){"model: " ONE, ""}, (struct sources){"model: " ONE, "XIAOMI_API_KEY=sk-test-2\n"},
          "xiaomi: added " KEY_2 " (.env:1:16 XIAOMI_API_KEY)\n");
    check((struct sources){"model: " ONE, "XIAOMI_API_KEY=sk-test-2\n"}, (struct sources){"model: " ONE, ""},
          "xiaomi: removed " KEY_2 "\n");
}

static void two_keys_that_change_places_are_reordered(void **state)
{
    (void)state;
    check((struct sources){"model: " ONE, "XIAOMI_API_KEY=sk-test-2\n"},
          (struct sources){"model: " TWO, "XIAOMI_API_KEY=sk-test-1\n"},
          "xiaomi: reordered, " KEY_2 " is used first\n");
}

static void urls_strategies_and_the_default_are_named(void **state)
{
    (void)state;
    check((struct sources){"model: {provider: xiaomi, api_key: sk-test-1, base_url: 'http://a/v1'}", ""},
          (struct sources){"model: {provider: xiaomi, api_key: sk-test-1, base_url: 'http://b/v1'}", ""},
          "xiaomi: base_url http://a/v1 -> http://b/v1\n");
    check((struct sources){"model: " ONE, ""},
          (struct sources){"{model: " ONE ", credential_pool_strategies: {xiaomi: random}}", ""},
          "xiaomi: strategy fill_first -> random\n");
    check((struct sources){"model: {provider: xiaomi}", "XIAOMI_API_KEY=sk-test-1\nOPENROUTER_API_KEY=sk-test-2\n"},
          (struct sources){"model: {provider: openrouter}", "XIAOMI_API_KEY=sk-test-1\nOPENROUTER_API_KEY=sk-test-2\n"},
          "default provider: xiaomi -> openrouter\n");
}

/* Programs read the same as people, without a key. */
static void the_json_has_no_key(void **state)
{
    struct arena *arena = arena_create();
    struct text out = {.arena = arena};
    (void)state;
    const struct compiled *old = compile(arena, "model: " ONE, "");
    const struct compiled *new = compile(arena, "model: " TWO, "");
    struct hermes_view *view = published(arena, old);
    struct plan plan = plan_changes(arena, view, &new->providers, new->content.bytes, new->content.len);
    text_putc(&out, '{');
    plan_json(&out, &plan);
    assert_string_equal(out.bytes, "{\"changes\":[{\"what\":\"rotated\",\"provider\":\"xiaomi\",\"from\":\"" KEY_1
                                   "\",\"to\":\"" KEY_2 "\",\"origin\":{\"path\":\"config.yaml\",\"line\":1,"
                                   "\"column\":36,\"key\":\"model.api_key\"}}]");
    hermes_view_unref(view);
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_snapshot_adds_everything),
        cmocka_unit_test(nothing_changed_is_nothing),
        cmocka_unit_test(a_key_in_another_ones_place_is_rotated),
        cmocka_unit_test(keys_come_and_go),
        cmocka_unit_test(two_keys_that_change_places_are_reordered),
        cmocka_unit_test(urls_strategies_and_the_default_are_named),
        cmocka_unit_test(the_json_has_no_key),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
