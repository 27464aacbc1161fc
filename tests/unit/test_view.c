#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fingerprint.h"
#include "view.h"

static const char content[] =
    "{\"sources\":[],\"config\":{},\"env\":{\"B\":\"2\",\"A\":\"1\"},\"default_provider\":\"xiaomi\","
    "\"fallbacks\":[{\"provider\":\"custom:my-llm\",\"model\":\"m\"}],\"model_aliases\":[{\"name\":\"quick\","
    "\"provider\":\"xiaomi\",\"model\":"
    "\"small\"}],\"providers\":{"
    "\"custom:my-llm\":{\"alias\":\"mine\",\"base_url\":\"http://h/v1\",\"credentials\":["
    "{\"id\":\"a\",\"auth_type\":\"api_key\",\"secret\":\"sk-test-two\",\"fingerprint\":\"sha256:1\",\"base_url\":"
    "\"http://o/v1\"},"
    "{\"id\":\"b\",\"auth_type\":\"none\",\"secret\":\"\",\"fingerprint\":\"sha256:2\"},"
    "{\"id\":\"c\",\"auth_type\":\"api_key\",\"secret\":\"\",\"fingerprint\":\"sha256:3\"}]},"
    "\"xiaomi\":{\"base_url\":\"https://x.test/v1\",\"strategy\":\"fill_first\",\"auth\":\"bearer\",\"credentials\":["
    "{\"id\":\"a1b2c3\",\"label\":\"config.yaml model.api_key\",\"auth_type\":\"api_key\",\"secret\":\"sk-test-one\","
    "\"fingerprint\":\"sha256:0123456789abcdef\",\"origins\":[{\"path\":\"config.yaml\",\"line\":4,\"column\":12,"
    "\"key\":\"model.api_key\"}]}]}},\"shadowed\":[],\"warnings\":[]}";

static size_t frame(char *out, size_t size, int format, const char *digest)
{
    return (size_t)snprintf(out, size,
                            "{\"meta\":{\"format\":%d,\"generation\":7,\"compiled_at\":\"2026-11-24T00:00:00.000Z\","
                            "\"content_bytes\":%zu,\"digest\":\"%s\"},\"content\":%s}\n",
                            format, strlen(content), digest, content);
}

static void unpacks_what_was_published(void **state)
{
    char text[2048];
    struct hermes_view *view;
    (void)state;
    size_t len = frame(text, sizeof text, 1, fingerprint_digest(content, strlen(content)).text);
    assert_int_equal(view_unpack(text, len, &view), 0);
    assert_int_equal(hermes_generation(view), 7);
    assert_string_equal(hermes_default_provider(view), "xiaomi");
    assert_string_equal(hermes_variable(view, "A"), "1");
    assert_null(hermes_variable(view, "C"));
    const struct hermes_provider *provider = hermes_provider(view, "xiaomi");
    assert_int_equal(provider->credential_count, 1);
    assert_string_equal(provider->credentials[0].secret, "sk-test-one");
    assert_int_equal(provider->credentials[0].origins[0].line, 4);
    assert_string_equal(provider->credentials[0].base_url, "https://x.test/v1");
    hermes_view_unref(view);
}

/* A key that may go to one URL only, a server that needs none, and a provider that is found by its other name. */
static void tells_each_key_where_it_goes(void **state)
{
    char text[2048];
    struct hermes_view *view;
    (void)state;
    size_t len = frame(text, sizeof text, 1, fingerprint_digest(content, strlen(content)).text);
    assert_int_equal(view_unpack(text, len, &view), 0);
    const struct hermes_provider *provider = hermes_provider(view, "Mine");
    assert_ptr_equal(provider, hermes_provider(view, "My LLM"));
    assert_ptr_equal(provider, hermes_provider(view, "custom:mine"));
    assert_int_equal(provider->credential_count, 2); /* an empty key that is meant to be one never goes out */
    assert_string_equal(provider->credentials[0].base_url, "http://o/v1");
    assert_string_equal(provider->credentials[1].base_url, "http://h/v1");
    assert_string_equal(provider->credentials[1].secret, "");
    assert_string_equal(hermes_fallback(view, 0)->provider, "custom:my-llm");
    assert_string_equal(hermes_fallback(view, 0)->model, "m");
    assert_null(hermes_fallback(view, 1));
    assert_string_equal(hermes_model_alias(view, 0)->name, "quick");
    assert_string_equal(hermes_model_alias(view, 0)->provider, "xiaomi");
    assert_string_equal(hermes_model_alias(view, 0)->model, "small");
    assert_null(hermes_model_alias(view, 1));
    hermes_view_unref(view);
}

static void refuses_a_newer_format(void **state)
{
    char text[2048];
    struct hermes_view *view = NULL;
    (void)state;
    size_t len = frame(text, sizeof text, 2, fingerprint_digest(content, strlen(content)).text);
    assert_int_equal(view_unpack(text, len, &view), HERMES_NEWER);
    assert_null(view);
}

/* Torn at any place, or with any one byte changed: refused, never half used. */
static void refuses_every_damage(void **state)
{
    char text[2048];
    char damaged[2048];
    struct hermes_view *view = NULL;
    (void)state;
    size_t len = frame(text, sizeof text, 1, fingerprint_digest(content, strlen(content)).text);
    for (size_t cut = 0; cut < len; cut++)
        assert_true(view_unpack(text, cut, &view) < 0);
    size_t start = (size_t)(strstr(text, ",\"content\":") - text);
    for (size_t at = start; at < len; at++) {
        memcpy(damaged, text, len);
        damaged[at] ^= 1;
        assert_true(view_unpack(damaged, len, &view) < 0);
    }
    assert_null(view);
}

/* What meta says is covered, too: with any bit of it flipped the number that is told is the right one, or none. */
static void tells_no_wrong_generation(void **state)
{
    char meta[512];
    char text[2048];
    struct hermes_view *view;
    (void)state;
    int len = snprintf(meta, sizeof meta, "{\"format\":1,\"generation\":7,\"content_bytes\":%zu,\"digest\":\"%s\"",
                       strlen(content), fingerprint_digest(content, strlen(content)).text);
    const struct digest digest = fingerprint_digest(meta, (size_t)len);
    const size_t size = (size_t)snprintf(text, sizeof text, "{\"meta\":%s,\"meta_digest\":\"%s\"},\"content\":%s}\n",
                                         meta, digest.text, content);
    const size_t end = (size_t)(strstr(text, ",\"content\":{") - text);
    size_t refused = 0;
    for (size_t at = 0; at < end; at++)
        for (int bit = 0; bit < 8; bit++) {
            text[at] ^= (char)(1 << bit);
            if (view_unpack(text, size, &view) == 0) {
                assert_int_equal(hermes_generation(view), 7);
                hermes_view_unref(view);
            } else {
                refused++;
            }
            text[at] ^= (char)(1 << bit);
        }
    assert_int_equal(view_unpack(text, size, &view), 0);
    hermes_view_unref(view);
    assert_true(refused > end * 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unpacks_what_was_published), cmocka_unit_test(tells_each_key_where_it_goes),
        cmocka_unit_test(refuses_a_newer_format),     cmocka_unit_test(refuses_every_damage),
        cmocka_unit_test(tells_no_wrong_generation),
    };
    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
