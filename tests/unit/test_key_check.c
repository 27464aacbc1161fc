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
    static const char *const bad[] = {"${A}x",
                                      "${A${env:B}}",
                                      "${env:A",
                                      "sk-${A",
                                      "op://Private/Key/credential",
                                      "%KEY%",
                                      "{{ KEY }}",
                                      "os.environ/KEY",
                                      "XAI_API_KEY",
                                      "$(cat key)",
                                      "ENC[AES,x",
                                      "bws://1",
                                      "vault:a",
                                      "file:///key",
                                      "bitwarden:11111111-2222",
                                      "gcp:projects/a/secrets/b",
                                      "@Microsoft.KeyVault(SecretUri=https://x)"};
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
    static const char *const doubts[][2] = {
        {"sk test", "contains a space"},
        {"sk-test\nmore", "contains a line break"},
        {"\"sk-test\"", "has quotes as a part of it"},
        {"sk-test\"", "ends with a quote"},
        {"sk-test;", "ends with a semicolon"},
        {"sk-a,sk-b", "contains a comma"},
        {"sk-...abc", "looks redacted"},
        {"sk-\xE2\x80\xA6"
         "abc",
         "looks redacted"},
        {"sk-***abc", "looks redacted"},
        {"TODO", "looks like a placeholder"},
        {"Bearer sk-test-1", "starts with \"Bearer \""},
        {"Authorization: Bearer sk-test-1", "is a whole header"},
        {"=sk-test-1", "starts with an equals sign"},
        {"[sk-test-1]", "has brackets as a part of it"},
        {"/run/secrets/xiaomi", "is the path of a file"},
        {"~/.secrets/xiaomi", "is the path of a file"},
        {"XAI_API_KEY=sk-test-1", "starts with the name of a variable"},
        {"\xE2\x80\x9Csk-test\xE2\x80\x9D", "has typographic quotes in it"},
        {"sk-test\xE2\x80\x8B-1", "has an invisible character in it"},
        {"sk-t\xC3\xA4st", "contains characters outside ASCII"},
    };
    assert_null(key_check_suspicious("sk-test-1", 9).why);
    assert_null(key_check_suspicious("/ab+cd/test==", 13).why);
    for (size_t i = 0; i < sizeof doubts / sizeof *doubts; i++)
        assert_string_equal(key_check_suspicious(doubts[i][0], strlen(doubts[i][0])).why, doubts[i][1]);
    static const char *const placeholders[] = {
        "your-api-key-here", "sk-your-key-here", "YOUR_KEY",  "<your key>", "xxxx",
        "sk-xxxxxxxxxxxx",   "sk-replace-me",    "CHANGE_ME", "****"};
    for (size_t i = 0; i < sizeof placeholders / sizeof *placeholders; i++)
        assert_string_equal(key_check_suspicious(placeholders[i], strlen(placeholders[i])).why,
                            "looks like a placeholder");
    assert_null(key_check_suspicious("", 0).why);
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
