#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json_token.h"

static const char *const valid[] = {
    "{}",
    "[]",
    "null",
    "true",
    " false ",
    "0",
    "-0",
    "12.5e-3",
    "1E+9",
    "\"\"",
    "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
    "[[],{},[1,2,{\"a\":[]}]]",
    "{\"a\":1,\"b\":{\"c\":null}}",
    "\t\r\n[ 1 , 2 ] ",
    "{\"a\" : \"}\"}",
};

static const char *const invalid[] = {
    "",          " ",          "{",       "}",           "[1,]",   "{\"a\":}",
    "{\"a\"}",   "{\"a\":1,}", "{a:1}",   "[1 2]",       "01",     "1.",
    ".5",        "+1",         "-",       "1e",          "nul",    "NaN",
    "Infinity",  "\"",         "\"\\x\"", "\"\\u12g4\"", "\"\n\"", "[1]x",
    "{\"a\":1]", "[}",         "{}{}",    ",",           "[,1]",   "{\"a\":1 \"b\":2}",
    "'a'",
};

/* In memory of its own length, so that a step too far is seen. */
static bool is_valid(const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    memcpy(copy, text, len);
    bool result = json_token_valid(copy, len);
    free(copy);
    return result;
}

static void knows_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++)
        if (!is_valid(valid[i], strlen(valid[i])))
            fail_msg("refused: %s", valid[i]);
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
        if (is_valid(invalid[i], strlen(invalid[i])))
            fail_msg("taken: %s", invalid[i]);
    const char *last = valid[12];
    for (size_t len = 0; len < strlen(last); len++)
        assert_false(is_valid(last, len));
}

static void refuses_a_tower(void **state)
{
    char *tower = malloc(4000);
    (void)state;
    memset(tower, '[', 2000);
    memset(tower + 2000, ']', 2000);
    assert_false(json_token_valid(tower, 4000));
    assert_true(json_token_valid(tower + 1100, 1800));
    free(tower);
}

static void resolves_escapes(void **state)
{
    static const struct {
        const char *json;
        const char *text;
    } cases[] = {{"\"a\\n\\\"\\\\\\/\"", "a\n\"\\/"},
                 {"\"\\u00e9\\u20ac\"", "\xc3\xa9\xe2\x82\xac"},
                 {"\"\\ud83d\\ude00!\"", "\xf0\x9f\x98\x80!"},
                 {"\"\\ud83dx\"", "\xed\xa0\xbdx"},
                 {"\"\"", ""}};
    char out[64];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_tokens tokens = json_tokens(cases[i].json, strlen(cases[i].json));
        struct json_token token = json_token_next(&tokens);
        size_t len = json_token_unescape(token, out);
        assert_true(len <= token.len);
        assert_int_equal(len, strlen(cases[i].text));
        assert_memory_equal(out, cases[i].text, len);
        assert_true(json_token_is(token, cases[i].text, len));
        assert_false(json_token_is(token, "something", 9));
    }
}

static void tells_children_apart(void **state)
{
    static const char text[] = "{\"a\":[1,{\"x\":2}],\"b\":\"c\",\"d\":null}";
    struct json_tokens tokens = json_tokens(text, strlen(text));
    struct json_token name, value;
    char names[4] = "";
    (void)state;
    assert_int_equal(json_token_next(&tokens).kind, JSON_OPEN);
    for (size_t i = 0; json_token_child(&tokens, &name, &value); i++) {
        names[i] = *name.bytes;
        assert_true(json_token_skip(&tokens, value));
    }
    assert_string_equal(names, "abd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_json),
        cmocka_unit_test(refuses_a_tower),
        cmocka_unit_test(resolves_escapes),
        cmocka_unit_test(tells_children_apart),
    };
    return cmocka_run_group_tests_name("json_token", tests, NULL, NULL);
}
