#include "shown.h"

#include "pipeline.h"

struct read {
    struct arena *arena;
    struct source source;
    struct diagnostics diagnostics;
    struct node *root;
};

static void read_yaml(struct read *read, const char *text, size_t len)
{
    *read = (struct read){.arena = arena_create()};
    read->diagnostics.arena = read->arena;
    source_of(&read->source, SOURCE_CONFIG, "config.yaml", read->arena, text, len);
    read->root = yaml_load(read->arena, &read->source, &read->diagnostics);
    diagnostics_sort(&read->diagnostics);
}

/* TEXT becomes TREE, and SAID is said about it. */
static void check(const char *text, const char *tree, const char *said)
{
    struct read read;
    read_yaml(&read, text, strlen(text));
    assert_string_equal(shown_tree(read.arena, read.root), tree);
    assert_string_equal(shown_diagnostics(&read.diagnostics), said);
    arena_destroy(read.arena);
}

static void scalars_are_what_pyyaml_makes_of_them(void **state)
{
    (void)state;
    check("[~, null, '', \"null\", text]", "[~, ~, \"\", \"null\", \"text\"]", "");
    check("[yes, No, on, OFF, true, y]", "[true, false, true, false, true, \"y\"]", "");
    check("[1, -12, +3, 1_000, 0x1F, 0b101]", "[i1, i-12, i3, i1000, i31, i5]", "");
    check("[1.5, .5, 1.0e+3, .inf, -.INF, .NaN]", "[f1.5, f0.5, f1000.0, f.inf, f-.inf, f.nan]", "");
    check("[0.50, 00.5, 1.0, -0.0, 0.0001, 0.00001, 123456789012345.5, 12345678901234567.5]",
          "[f0.5, f0.5, f1.0, f-0.0, f0.0001, f1e-05, f123456789012345.5, f1.2345678901234568e+16]", "");
    check("[2001-12-14, 2001-12-14t21:59:43.10-05:00]", "[t2001-12-14, t2001-12-14T21:59:43.100000-05:00]", "");
    check("[!!str 12, !!int '7', !!float 3, !!binary aGVybWVz]", "[\"12\", i7, f3.0, baGVybWVz]", "");
    check("99999999999999999999999", "i99999999999999999999999", "");
}

static void numbers_that_surprise_are_said(void **state)
{
    (void)state;
    check("a: 0100", "{\"a\": i64}", "config.yaml:1:4 number-surprise");
    check("a: 12:30", "{\"a\": i750}", "config.yaml:1:4 number-surprise");
    check("a: 1e3", "{\"a\": \"1e3\"}", "config.yaml:1:4 number-left-text");
}

static void strings_keep_their_line_breaks(void **state)
{
    (void)state;
    check("a: |\n  one\n  two\nb: >-\n  one\n  two\n", "{\"a\": \"one\ntwo\n\", \"b\": \"one two\"}", "");
    check("a: 'it''s'\nb: \"\\u00e9\\t\"\n", "{\"a\": \"it's\", \"b\": \"\xC3\xA9\t\"}", "");
    check("a: one\n  two\n", "{\"a\": \"one two\"}", "");
}

static void collections_keep_their_order(void **state)
{
    (void)state;
    check("b: 1\na: [x, {y: z}]\n", "{\"b\": i1, \"a\": [\"x\", {\"y\": \"z\"}]}", "");
    check("!!set {b, a}", "set{\"b\", \"a\"}", "");
    check("!!omap [b: 1, a: 2]", "[[\"b\", i1], [\"a\", i2]]", "");
    check("", "~", "");
    check("# nothing\n", "~", "");
}

static void merges_and_aliases_are_followed(void **state)
{
    (void)state;
    check("base: &b {x: 1, y: 2}\nover:\n  <<: *b\n  y: 3\n",
          "{\"base\": {\"x\": i1, \"y\": i2}, \"over\": {\"x\": i1, \"y\": i3}}", "");
    check("a: &a [1]\nb: *a\n", "{\"a\": [i1], \"b\": [i1]}", "");
}

static void the_last_of_two_equal_keys_counts(void **state)
{
    (void)state;
    check("a: 1\nb: 2\na: 3\n", "{\"a\": i3, \"b\": i2}", "config.yaml:3:1 duplicate-key");
    check("1: a\n1.0: b\n", "{i1: \"b\"}", "config.yaml:2:1 duplicate-key");
}

/* Each with the place that a reader is sent to. */
static void what_hermes_cannot_read_is_refused(void **state)
{
    static const char *const refused[][2] = {
        {"a: [", "config.yaml:1:4 yaml-syntax"},
        {"a: b\n c: d\n", "config.yaml:2:2 yaml-syntax"},
        {"a: 'open\n", "config.yaml:1:4 yaml-syntax"},
        {"a: !!int many\n", "config.yaml:1:4 yaml-value"},
        {"a: 2026-13-01\n", "config.yaml:1:4 yaml-value"},
        {"a: !mine b\n", "config.yaml:1:4 yaml-value"},
        {"a: &x [*x]\n", "config.yaml:1:8 recursive-alias"},
        {"a: *unknown\n", "config.yaml:1:4 yaml-syntax"},
        {"a: b\n---\nc: d\n", "config.yaml:2:1 yaml-syntax"},
        {"a: \xFF\n", "config.yaml:1:4 not-utf-8"},
        {"{a: b}: c\n", "config.yaml:1:1 yaml-value"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        check(refused[i][0], "nothing", refused[i][1]);
}

static void bombs_end_early(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct text deep = {.arena = arena};
    struct text wide = {.arena = arena};
    for (int i = 0; i < 129; i++)
        text_putc(&deep, '[');
    check(deep.bytes, "nothing", "config.yaml:1:129 nesting-limit");
    text_puts(&wide, "a: &a [x, x, x, x, x, x, x, x, x, x]\n");
    for (char name = 'b'; name <= 'e'; name++) {
        text_printf(&wide, "%c: &%c [", name, name);
        for (int i = 0; i < 10; i++)
            text_printf(&wide, "*%c,", name - 1);
        text_puts(&wide, "]\n");
    }
    check(wide.bytes, "nothing", "config.yaml:4:29 alias-limit");
    arena_destroy(arena);
}

static void check_place(const char *text, uint32_t line, uint32_t column, uint32_t length)
{
    struct read read;
    read_yaml(&read, text, strlen(text));
    const struct node *value = node_get(read.root, "k");
    assert_non_null(value);
    assert_int_equal(value->place.line, line);
    assert_int_equal(value->place.column, column);
    assert_int_equal(value->place.length, length);
    arena_destroy(read.arena);
}

/* In characters, and never behind a value's end. */
static void a_value_knows_its_place(void **state)
{
    (void)state;
    check_place("k: value\n", 1, 4, 5);
    check_place("a: 1\nk:   'quoted'\n", 2, 6, 8);
    check_place("\xC3\xA9: 1\n'k': \xE6\x97\xA5\xE6\x9C\xAC\n", 2, 6, 2);
    check_place("\xEF\xBB\xBFk: v\n", 1, 4, 1);
    check_place("# comment\n\nk: v # more\n", 3, 4, 1);
    check_place("k: [1,\n 2]\n", 1, 4, 0);
}

/* Whatever is cut off, the reader ends with a tree or an error. */
static void every_beginning_is_answered(void **state)
{
    static const char text[] = "a: &x {b: [1, \"\\u00e9\", 'it''s'], c: !!str 5}\nd: |\n  text\n? [e]\n: *x\n";
    (void)state;
    for (size_t len = 0; len < sizeof text; len++) {
        struct read read;
        read_yaml(&read, text, len);
        assert_int_equal(read.root == NULL, read.diagnostics.errors > 0);
        arena_destroy(read.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_are_what_pyyaml_makes_of_them),
        cmocka_unit_test(numbers_that_surprise_are_said),
        cmocka_unit_test(strings_keep_their_line_breaks),
        cmocka_unit_test(collections_keep_their_order),
        cmocka_unit_test(merges_and_aliases_are_followed),
        cmocka_unit_test(the_last_of_two_equal_keys_counts),
        cmocka_unit_test(what_hermes_cannot_read_is_refused),
        cmocka_unit_test(bombs_end_early),
        cmocka_unit_test(a_value_knows_its_place),
        cmocka_unit_test(every_beginning_is_answered),
    };
    return cmocka_run_group_tests_name("yaml_load", tests, NULL, NULL);
}
