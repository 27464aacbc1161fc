/* Which names are shown, and which may be a key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "learned_keys.h"
#include "plain_name.h"

static void ordinary_names_are_plain(void **state)
{
    static const char *const names[] = {
        "xiaomi",
        "openrouter",
        "my-local-llm",
        "custom:my-llm",
        "XIAOMI_API_KEY",
        "AWS_BEARER_TOKEN_BEDROCK_2",
        "Qwen/Qwen3-Coder-480B-A35B-Instruct",
        "Qwen3-Coder-Instruct",
        "claude-opus-4-5-20251101",
        "gpt-4o-mini",
        "deepseek-ai/DeepSeek-V3.2-Exp",
        "meta-llama/Llama-4-Maverick-17B",
        "hf_hub",
        "hf_inference_endpoint_name",
        "xai-oauth",
        "sk_models",
        "task-two",
        "risk-free",
        "disk-cache",
        "MyVeryOwnProviderInTheBasement",
        "anthropic.com",
        "http://127.0.0.1:8080/v1",
        "https://api.my-company.example.com/openai/deployments/v1",
        "terminal.docker_forward_env",
        "compression_threshold_tokens",
        "Änderung",
        "AIzaProxy",
        "pk_list",
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!plain_name(names[i], strlen(names[i])))
            fail_msg("%s is taken for a key", names[i]);
}

static void what_may_be_a_key_is_not(void **state)
{
    static const char *const keys[] = {
        "sk-test-0123456789",
        "custom:sk-test-1",
        "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",
        "hf_qwertyuiopasdfghjklzxcvbnm",
        "sk_live_QwErTyZxCvBnMaSdFgHjKlPo",
        "gsk_abcdEFGHijklMNOPqrst",
        "xai-QwErTyZxCvBnMaSdFgHj",
        "ghp_abcdefghijkl0123",
        "AIzaSyDabcdefGHIJKLmnop",
        "QwErTyZxCvBnMaSdFgHjKlPo",
        "qwertyuiopasdfghjklzxcvbnmqwertyuiop",
        "AbC123xyz789QwErTy456uiop0",
        "https://h.example/QwErTyZxCvBnMaSdFgHjKlPo/v1",
        "0123456789abcdef0123456789abcdef",
        "a1b2c3d4-e5f6-a7b8-c9d0-e1f2a3b4c5d6",
        "name\033[31m",
        "name\xff",
        "a\xe2\x80\xa8line",
    };
    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (plain_name(keys[i], strlen(keys[i])))
            fail_msg("%s is shown", keys[i]);
}

static void learn(const char *key)
{
    learned_keys_add(key, strlen(key));
}

static bool plain(const char *name)
{
    return plain_name(name, strlen(name));
}

/* Nothing in its form says so: the sources do. */
static void what_the_sources_call_a_key_is_not(void **state)
{
    (void)state;
    assert_true(plain("correct-horse-battery") && plain("custom:correct-horse-battery"));
    learn("Correct-Horse-Battery");
    assert_false(plain("correct-horse-battery") || plain("custom:correct-horse-battery"));
    assert_false(plain("http://127.0.0.1/correct-horse-battery/v1"));
    assert_true(plain("correct-horse-battery-two"));
}

/* What local servers ask for, and a variable's name in the place of its value. */
static void a_word_in_the_place_of_a_key_stays_plain(void **state)
{
    static const char *const words[] = {"ollama", "lm-studio", "no-key-required", "OPENROUTER_API_KEY"};
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        learn(words[i]);
        assert_true(plain(words[i]));
    }
}

/* More keys than are kept in mind: the later ones are. */
static void the_latest_keys_are_known(void **state)
{
    char key[64];
    (void)state;
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(key, sizeof key, "a-word-of-many-%05d", i);
        learn(key);
        assert_true(learned_keys_has(key, strlen(key)));
    }
}

static void a_url_is_plain_without_what_may_hold_a_key(void **state)
{
    static const char *const urls[] = {"http://user@host/v1", "http://host/v1?key=a", "http://host/v1#a", "host/v1"};
    (void)state;
    assert_true(plain_name_url("https://api.example.com/v1", strlen("https://api.example.com/v1")));
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        assert_false(plain_name_url(urls[i], strlen(urls[i])));
}

static void the_fingerprint_stands_for_what_is_not_shown(void **state)
{
    struct fingerprint print;
    const char *name = "xiaomi";
    (void)state;
    assert_ptr_equal(plain_name_or_print(name, &print), name);
    assert_string_equal(plain_name_or_print("sk-test-0123456789", &print),
                        fingerprint_of("sk-test-0123456789", 18).text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_names_are_plain),
        cmocka_unit_test(what_may_be_a_key_is_not),
        cmocka_unit_test(what_the_sources_call_a_key_is_not),
        cmocka_unit_test(a_word_in_the_place_of_a_key_stays_plain),
        cmocka_unit_test(the_latest_keys_are_known),
        cmocka_unit_test(a_url_is_plain_without_what_may_hold_a_key),
        cmocka_unit_test(the_fingerprint_stands_for_what_is_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
