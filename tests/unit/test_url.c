#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "url.h"

static const char *shown(const char *text)
{
    static char line[256];
    struct url u;
    if (!url_split(text, &u))
        return "none";
    const struct url_part parts[] = {u.scheme, u.credentials, u.authority, u.host, u.port, u.path, u.query};
    int len = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        len += snprintf(line + len, sizeof line - (size_t)len, "%s%.*s", i == 0 ? "" : "|", (int)parts[i].len,
                        parts[i].text);
    return line;
}

static void test_parts(void **state)
{
    (void)state;
    assert_string_equal(shown("https://api.x.ai/v1"), "https||api.x.ai|api.x.ai||/v1|");
    assert_string_equal(shown("http://127.0.0.1:8080"), "http||127.0.0.1:8080|127.0.0.1|8080||");
    assert_string_equal(shown("http://[::1]:80/a//"), "http||[::1]:80|::1|80|/a|");
    assert_string_equal(shown("http://[::1]/"), "http||[::1]|::1|||");
    assert_string_equal(shown("https://u:p@h.example/v1/?a=b#c"), "https|u:p|h.example|h.example||/v1|a=b");
    assert_string_equal(shown("https://h?key=a@b/c"), "https||h|h|||key=a@b/c");
}

static void test_what_is_none(void **state)
{
    (void)state;
    const char *const none[] = {"", "api.x.ai/v1", "://h", "http://", "http:///v1", "http://:80"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_string_equal(shown(none[i]), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
