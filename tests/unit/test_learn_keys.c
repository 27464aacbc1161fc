/* What the sources call a key is known by the time that something is said of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "arena.h"
#include "fingerprint.h"
#include "hide_keys.h"
#include "learn_keys.h"
#include "learned_keys.h"

/* Whether TEXT, in which '@' stands for a key of its own, gives that key away. */
static bool learned(const char *text)
{
    static unsigned number;
    char key[64];
    char whole[256];
    const char *at = strchr(text, '@');
    (void)snprintf(key, sizeof key, "words-that-are-a-key-%u", number++);
    (void)snprintf(whole, sizeof whole, "%.*s%s%s", (int)(at - text), text, key, at + 1);
    learn_keys(whole, strlen(whole));
    return learned_keys_has(key, strlen(key));
}

static void each_form_of_a_key_is_learned(void **state)
{
    static const char *const texts[] = {
        "model:\n  api_key: @\n",
        "api_key: @ # a comment",
        "api_key: \"@\"",
        "\"api_key\" : '@', b: 1",
        "{name: a, api_key: @}",
        "[{token: @, a: b}]",
        "XIAOMI_API_KEY=@\n",
        "export ANTHROPIC_TOKEN=\"@\"",
        "A=1\r\nDISCORD_BOT_TOKEN=@\r\n",
        "{\"access_token\":\"@\"}",
        "EMAIL_PASSWORD=@",
        "auth: @",
        "jwt: @",
        "bearer: @",
        "authorization: @",
        "client_secret: @",
        "a: [\nkey: @",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!learned(texts[i]))
            fail_msg("not learned: %s", texts[i]);
}

static void what_is_no_key_is_not(void **state)
{
    static const char *const texts[] = {"name: @",           "base_url: @",      "key_env: @",
                                        "XIAOMI_BASE_URL=@", "api_key: a\n@: b", "api_key:\n  - @"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (learned(texts[i]))
            fail_msg("learned: %s", texts[i]);
}

static void what_was_said_before_is_hidden_afterwards(void **state)
{
    struct arena *arena = arena_create();
    struct diagnostics list = {.arena = arena};
    const char *key = "words-said-too-early";
    (void)state;
    struct diagnostic *d = diagnostic_add(&list, CODE_UNKNOWN_KEY, (struct place){0}, "unknown `a.%s`, %s.", key, key);
    diagnostic_help(&list, d, "or %s-two", key);
    learned_keys_add(key, strlen(key));
    hide_keys(&list);
    char wanted[128];
    const struct fingerprint print = fingerprint_of(key, strlen(key));
    (void)snprintf(wanted, sizeof wanted, "unknown `a.%s`, %s.", print.text, print.text);
    assert_string_equal(d->message, wanted);
    assert_string_equal(d->help, "or words-said-too-early-two");
    assert_null(d->note);
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_of_a_key_is_learned),
        cmocka_unit_test(what_is_no_key_is_not),
        cmocka_unit_test(what_was_said_before_is_hidden_afterwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
