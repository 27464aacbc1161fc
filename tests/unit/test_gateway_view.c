#include "shown.h"

#include "pipeline.h"

static const char *const shell[] = {"SHELL_KEY=sk-test-shell", NULL};

static struct node *read_config(struct arena *arena, enum source_kind kind, const char *label, const char *text,
                                struct diagnostics *diagnostics)
{
    struct source *source = arena_alloc(arena, sizeof *source);
    if (text == NULL)
        return NULL;
    source_of(source, kind, label, arena, text, strlen(text));
    struct node *root = yaml_load(arena, source, diagnostics);
    assert_non_null(root);
    return root;
}

struct sources {
    const char *user;
    const char *managed;
    const char *env;
};

/* The view of SOURCES is TREE, and SAID is said about it. */
static void check(struct sources sources, const char *tree, const char *said)
{
    struct arena *arena = arena_create();
    struct diagnostics diagnostics = {.arena = arena};
    struct environment environment = {0};
    struct source env;
    const char *text = sources.env == NULL ? "" : sources.env;
    source_of(&env, SOURCE_ENV, ".env", arena, text, strlen(text));
    dotenv_load(arena, &env, &environment, &diagnostics);
    const struct gateway_view_input input = {
        .user = read_config(arena, SOURCE_CONFIG, "config.yaml", sources.user, &diagnostics),
        .managed = read_config(arena, SOURCE_MANAGED_CONFIG, "managed.yaml", sources.managed, &diagnostics),
        .environment = &environment,
        .shell = shell,
    };
    const char *before = shown_tree(arena, input.user);
    const struct node *view = gateway_view(arena, &input, &diagnostics);
    diagnostics_sort(&diagnostics);
    assert_string_equal(shown_tree(arena, view), tree);
    assert_string_equal(shown_diagnostics(&diagnostics), said);
    assert_string_equal(shown_tree(arena, input.user), before); /* what was given is not changed */
    arena_destroy(arena);
}

static void what_is_managed_wins_value_by_value(void **state)
{
    (void)state;
    check((struct sources){.user = "{a: {x: 1, y: 2}, l: [1, 2], n: 1}", .managed = "{a: {y: 3}, l: [4], m: 5}"},
          "{\"a\": {\"x\": i1, \"y\": i3}, \"l\": [i4], \"n\": i1, \"m\": i5}", "");
    check((struct sources){.user = "{a: {x: 1}}", .managed = "{a: ~}"}, "{\"a\": {\"x\": i1}}", "");
    check((struct sources){.user = NULL, .managed = "{a: 1}"}, "{\"a\": i1}", "");
    check((struct sources){.user = NULL}, "{}", "");
}

static void a_managed_model_that_is_a_name_leaves_the_rest(void **state)
{
    (void)state;
    check((struct sources){.user = "{model: {provider: xiaomi, default: a}}", .managed = "{model: b}"},
          "{\"model\": {\"provider\": \"xiaomi\", \"default\": \"b\"}}", "");
}

static void old_places_move_into_the_model(void **state)
{
    (void)state;
    check((struct sources){.user = "{model: mimo, provider: xiaomi}"},
          "{\"model\": {\"default\": \"mimo\", \"provider\": \"xiaomi\"}}", "");
    check((struct sources){.user = "{model: {name: mimo, api_base: 'http://h/v1'}}"},
          "{\"model\": {\"base_url\": \"http://h/v1\", \"default\": \"mimo\"}}", "");
    check((struct sources){.user = "{model: {default: kept, model: other}}"}, "{\"model\": {\"default\": \"kept\"}}",
          "");
    check((struct sources){.user = "{max_turns: 5, agent: {x: 1}}"}, "{\"agent\": {\"x\": i1, \"max_turns\": i5}}", "");
}

static void references_are_replaced_once(void **state)
{
    (void)state;
    check((struct sources){.user = "{a: 'x${A}y${B}', l: ['${A}'], n: 1}", .env = "A=one\nB=two\n"},
          "{\"a\": \"xoneytwo\", \"l\": [\"one\"], \"n\": i1}", "");
    check((struct sources){.user = "{a: '${A}{B}'}", .env = "A=$\nB=two\n"}, "{\"a\": \"${B}\"}", "");
    check((struct sources){.user = "{a: '$A ${} ${A'}", .env = "A=1\n"}, "{\"a\": \"$A ${} ${A\"}", "");
}

static void scalars_of_the_root_serve_as_variables(void **state)
{
    (void)state;
    check((struct sources){.user = "{NAME: hermes, a: {b: '${NAME}'}}"},
          "{\"NAME\": \"hermes\", \"a\": {\"b\": \"hermes\"}}", "");
    check((struct sources){.user = "{NAME: hermes, a: {b: '${NAME}'}}", .env = "NAME=env\n"},
          "{\"NAME\": \"hermes\", \"a\": {\"b\": \"env\"}}", "config.yaml:1:8 shadowed-variable");
}

static size_t errors_of(const char *user, const char **ret_note, const char **ret_help, struct arena *arena)
{
    struct diagnostics diagnostics = {.arena = arena};
    struct environment environment = {0};
    const struct gateway_view_input input = {
        .user = read_config(arena, SOURCE_CONFIG, "config.yaml", user, &diagnostics),
        .environment = &environment,
        .shell = shell,
    };
    assert_non_null(gateway_view(arena, &input, &diagnostics));
    assert_int_equal(diagnostics.count, 1);
    assert_int_equal(diagnostics.items[0]->code, CODE_UNRESOLVED_REFERENCE);
    *ret_note = diagnostics.items[0]->note;
    *ret_help = diagnostics.items[0]->help;
    return diagnostics.errors;
}

static void an_unset_reference_is_an_error_where_a_key_or_url_is_meant(void **state)
{
    struct arena *arena = arena_create();
    const char *note;
    const char *help;
    (void)state;
    assert_int_equal(errors_of("{auxiliary: {vision: {api_key: '${MY_KEY}'}}}", &note, &help, arena), 0);
    assert_int_equal(errors_of("{model: {api_key: '${MY_KEY}'}}", &note, &help, arena), 1);
    assert_null(note);
    assert_string_equal(help, "add MY_KEY to .env");
    assert_int_equal(errors_of("{model: {base_url: '${MY_URL}'}}", &note, &help, arena), 1);
    assert_int_equal(errors_of("{model: {greeting: '${NAME}'}}", &note, &help, arena), 0);
    assert_int_equal(errors_of("{model: {api_key: '${SHELL_KEY}'}}", &note, &help, arena), 1);
    assert_non_null(note); /* the shell has it, and a service does not */
    arena_destroy(arena);
}

static void a_reference_is_shown_where_it_stands(void **state)
{
    (void)state;
    check((struct sources){.user = "a:\n  b: 'x ${NO_NAME}'\n"}, "{\"a\": {\"b\": \"x ${NO_NAME}\"}}",
          "config.yaml:2:9 unresolved-reference");
    check((struct sources){.user = "platforms: {t: {n: '${A}'}}", .env = "A=1\n"},
          "{\"platforms\": {\"t\": {\"n\": \"1\"}}}", "config.yaml:1:20 unread-reference");
}

static void keys_of_the_root_that_are_no_text_are_said(void **state)
{
    (void)state;
    check((struct sources){.user = "{2026: x}"}, "{i2026: \"x\"}", "config.yaml:1:2 root-key-not-text");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_managed_wins_value_by_value),
        cmocka_unit_test(a_managed_model_that_is_a_name_leaves_the_rest),
        cmocka_unit_test(old_places_move_into_the_model),
        cmocka_unit_test(references_are_replaced_once),
        cmocka_unit_test(scalars_of_the_root_serve_as_variables),
        cmocka_unit_test(an_unset_reference_is_an_error_where_a_key_or_url_is_meant),
        cmocka_unit_test(a_reference_is_shown_where_it_stands),
        cmocka_unit_test(keys_of_the_root_that_are_no_text_are_said),
    };
    return cmocka_run_group_tests_name("gateway_view", tests, NULL, NULL);
}
