/* Which names are shown, and which may be a key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_names_are_plain),
        cmocka_unit_test(what_may_be_a_key_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
