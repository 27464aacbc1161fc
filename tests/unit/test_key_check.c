#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "blank.h"
#include "key_check.h"

static bool usable(const char *text)
{
    return key_check_unusable(text, strlen(text)) == NULL;
}

/* Each pair was seen at Hermes itself. */
static void judges_as_hermes_does(void **state)
{
    static const char *const good[] = {"****",
                                       "your-api-key-here",
                                       "sk-xxxx",
                                       "xxxx",
                                       "$1bc",
                                       "sk-a$b{c}d",
                                       "no-key-required",
                                       "dummy-lm-api-key",
                                       "\xC3\xA4\xC3\xB6\xC3\xBC\xC3\x9F",
                                       "sk-test-1"};
    static const char *const bad[] = {"",
                                      "abc",
                                      "***",
                                      "changeme",
                                      "YOUR_API_KEY",
                                      "None",
                                      "${A}",
                                      "${A\nB}",
                                      "$ABC",
                                      "%(x)s",
                                      ("\xC2\xA0"
                                       "ab\xC2\xA0"),
                                      "  dummy  "};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!usable(good[i]))
            fail_msg("\"%s\" is to be usable", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (usable(bad[i]))
            fail_msg("\"%s\" is not to be usable", bad[i]);
}

/* Hermes sends these as they stand when nothing has replaced them. */
static void references_are_never_keys(void **state)
{
    static const char *const bad[] = {
        "${A}x",     "${A${env:B}}", "${env:A", "sk-${A",      "op://Private/Key/credential",
        "ENC[AES,x", "bws://1",      "vault:a", "file:///key", "bitwarden:11111111-2222"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (usable(bad[i]))
            fail_msg("\"%s\" is not to be usable", bad[i]);
    assert_true(usable("0123456789ab:cdef-0123")); /* as fal.ai has them */
}

static void strips_what_python_strips(void **state)
{
    size_t len;
    (void)state;
    const char *text = blank_strip(" \t\xE2\x80\x83sk-test-1\xC2\xA0\n", 16, &len);
    assert_int_equal(len, 9);
    assert_memory_equal(text, "sk-test-1", 9);
}

static void warns_about_what_will_fail(void **state)
{
    (void)state;
    assert_null(key_check_suspicious("sk-test-1", 9));
    assert_non_null(key_check_suspicious("sk test", 7));
    assert_non_null(key_check_suspicious("\"sk-test\"", 9));
    assert_non_null(key_check_suspicious("sk-...abc", 9));
    assert_non_null(key_check_suspicious("sk-***abc", 9));
    static const char *const placeholders[] = {
        "your-api-key-here", "sk-your-key-here", "YOUR_KEY",  "<your key>", "xxxx",
        "sk-xxxxxxxxxxxx",   "sk-replace-me",    "CHANGE_ME", "****"};
    for (size_t i = 0; i < sizeof placeholders / sizeof *placeholders; i++)
        assert_string_equal(key_check_suspicious(placeholders[i], strlen(placeholders[i])), "looks like a placeholder");
    assert_null(key_check_suspicious("", 0));
    assert_non_null(key_check_suspicious("sk-t\xC3\xA4st", 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_as_hermes_does),
        cmocka_unit_test(references_are_never_keys),
        cmocka_unit_test(strips_what_python_strips),
        cmocka_unit_test(warns_about_what_will_fail),
    };
    return cmocka_run_group_tests_name("key_check", tests, NULL, NULL);
}
