#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "yaml_comments.h"

static const struct {
    const char *text;
    const char *shortened;
} cases[] = {
    {"", ""},
    {"a: b\n", "a: b\n"},
    {"a: b", "a: b"},
    {"# c", "# c"},
    {"#", "#"},
    {"#\n", "#\n"},
    {"  # it's \"here\": [\n\n#x\na: b # c\n", "  #\n\n#\na: b # c\n"},
    {"a: b\n   #  the end", "a: b\n   #  the end"},
    {"a: b\n   ", "a: b\n   "},
    {"# ~ is the last, \x7F is none\n# a~\n", "# ~ is the last, \x7F is none\n#\n"},
    {"# \x1F\n#12345678\xC3\xA9\n#1234567\x01 12345678\n# a\n",
     "# \x1F\n#12345678\xC3\xA9\n#1234567\x01 12345678\n#\n"},
    {"# next\xC2\x85line: 1\n# a\xE2\x80\xA8  b: 1\n# c", "# next\xC2\x85line: 1\n# a\xE2\x80\xA8  b: 1\n# c"},
};

/* In memory of its own length, so that a step too far is seen. A reader asks until it gets nothing, and once more. */
static void check(const char *text, const char *shortened, size_t room)
{
    size_t len = strlen(text);
    char *copy = malloc(len > 0 ? len : 1);
    unsigned char *out = malloc(len + room);
    memcpy(copy, text, len);
    struct yaml_comments comments = yaml_comments_of(copy, len);
    size_t used = 0;
    size_t got;
    do {
        assert_int_equal(yaml_comments_skip(&comments, out + used, room, &got), 1);
        assert_true(got <= room);
        used += got;
        assert_true(used <= len);
    } while (got > 0);
    assert_int_equal(yaml_comments_skip(&comments, out + used, room, &got), 1);
    assert_int_equal(got, 0);
    assert_int_equal(used, strlen(shortened));
    assert_memory_equal(out, shortened, used);
    free(out);
    free(copy);
}

static void leaves_out_what_stands_in_comments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t room = 1; room < 64; room++)
            check(cases[i].text, cases[i].shortened, room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_out_what_stands_in_comments),
    };
    return cmocka_run_group_tests_name("yaml_comments", tests, NULL, NULL);
}
