/* The pure parts of hermes-relay: where a request goes, which model it names, what is masked, how long a stream is
 * held. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "bytes.h"
#include "chunks.h"
#include "decode.h"
#include "headers.h"
#include "hold.h"
#include "key_heap.h"
#include "mask.h"
#include "minutes.h"
#include "model.h"
#include "record.h"
#include "route.h"
#include "shown_path.h"
#include "silence.h"
#include "usage.h"
#include "zero_pages.h"

static void path_and_base_url_are_joined_with_one_version(void **state)
{
    static const struct {
        const char *base, *auth, *target, *url;
    } cases[] = {
        {"https://x/v1", "bearer", "/v1/chat/completions", "https://x/v1/chat/completions"},
        {"https://x/v1/", "bearer", "/p/v1/chat/completions", "https://x/v1/chat/completions"},
        {"https://x/api/paas/v4", "bearer", "/v1/chat/completions", "https://x/api/paas/v4/chat/completions"},
        {"https://x/v1beta", "x-goog-api-key", "/g/v1beta/models/m:generateContent?key=k&alt=sse",
         "https://x/v1beta/models/m:generateContent?alt=sse"},
        {"https://api.anthropic.com", "x-api-key", "/v1/messages", "https://api.anthropic.com/v1/messages"},
        {"https://x/anthropic", "x-api-key", "/m/v1/messages/count_tokens",
         "https://x/anthropic/v1/messages/count_tokens"},
        {"https://x/api/v1", "bearer", "/v1/messages", "https://x/api/v1/messages"},
        {"https://x/gateway", "bearer", "/v1/chat/completions", "https://x/gateway/chat/completions"},
        {"https://x/v1", "bearer", "/v1/models?a=1&KEY=2&b=3", "https://x/v1/models?a=1&b=3"},
        {"https://x/v1", "bearer", "/v1/models?key=only", "https://x/v1/models"},
        {"https://x/v1", "bearer", "/v1/m?%6bey=1&access_token=2&keys=3&Api-Key=4&key&token=5",
         "https://x/v1/m?keys=3&key"},
        {"https://x/v1", "bearer", "/v1", "https://x/v1"},
        {"https://x/v1", "bearer", "/v1/v1/chat/completions", "https://x/v1/chat/completions"},
        {"https://x/a?b=c", "bearer", "/v1/chat/completions", "https://x/a/chat/completions?b=c"},
        {"https://x/a/?b=c", "bearer", "/v1/chat/completions?d=e", "https://x/a/chat/completions?b=c&d=e"},
        {"https://x/openai/v1", "bearer", "/p/openai/v1/chat/completions", "https://x/openai/v1/chat/completions"},
        {"https://x/anthropic", "bearer", "/v1/models", "https://x/anthropic/v1/models"},
        {"https://x/v1beta", "x-goog-api-key", "/g/v1/chat/completions", "https://x/v1beta/openai/chat/completions"},
        {"https://x/v1beta", "x-goog-api-key", "/g/v1/models", "https://x/v1beta/openai/models"},
        {"https://x/v1beta", "x-goog-api-key", "/g/v1beta/models", "https://x/v1beta/models"},
        {"https://x/v1beta", "x-goog-api-key", "/upload/v1beta/files?upload_id=a&key=k",
         "https://x/upload/v1beta/files?upload_id=a"},
        {"https://x/v1", "bearer", "/chat/completions?a=1", "https://x/v1/chat/completions?a=1"},
        {"https://x", "bearer", "/p/chat/completions", "https://x/chat/completions"},
        {"https://x/v1", "bearer", "/models/maker/m", "https://x/v1/models/maker/m"},
        {"https://api.anthropic.com", "x-api-key", "/p/messages", "https://api.anthropic.com/v1/messages"},
        {"https://api.anthropic.com", "x-api-key", "/chat/completions",
         "https://api.anthropic.com/v1/chat/completions"},
        {"https://x/v1beta", "x-goog-api-key", "/g/chat/completions", "https://x/v1beta/openai/chat/completions"},
        {"https://x/v1beta/openai", "x-goog-api-key", "/g/v1/chat/completions",
         "https://x/v1beta/openai/chat/completions"},
        {"https://x/openai", "bearer", "/p/openai/deployments/d/chat/completions?api-version=1",
         "https://x/openai/deployments/d/chat/completions?api-version=1"},
        {"https://x", "bearer", "/p/openai/deployments/d/embeddings", "https://x/openai/deployments/d/embeddings"},
        {"https://x/openai/v1", "bearer", "/openai/deployments/d/embeddings?api-version=1",
         "https://x/openai/deployments/d/embeddings?api-version=1"},
        {"https://x", "bearer", "/p/deployments/d/embeddings", "https://x/openai/deployments/d/embeddings"},
        {"https://x/openai/v1", "bearer", "/deployments/d/embeddings", "https://x/openai/deployments/d/embeddings"},
        {"https://x/v1beta", "x-goog-api-key", "/g/v1beta/openai/chat/completions",
         "https://x/v1beta/openai/chat/completions"},
        {"https://x/v1beta/openai", "bearer", "/g/v1beta/openai/embeddings", "https://x/v1beta/openai/embeddings"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hermes_provider provider = {.base_url = cases[i].base, .auth = cases[i].auth};
        struct bytes url = {0};
        struct route route;
        assert_int_equal(route_parse(cases[i].target, &route), 0);
        assert_true(route_url(provider.base_url, provider.auth, &route, &url));
        assert_string_equal(url.data, cases[i].url);
        bytes_finish(&url);
    }
}

static void paths_that_are_none_of_a_provider_are_told_apart(void **state)
{
    static const char *const none[] = {"/",          "/status",     "/nothing/here",    "/p",         "", "*",
                                       "/p/modelsx", "//v1/models", "/chat/completion", "/p/q/models"};
    static const char *const wrong[] = {"/v1/../x",       "/v1/%2e%2E/x", "/p/v1/./x",       "/v1/a b",
                                        "/v1\\x",         "/v1/x\x01",    "/v1/..%2f..%2fx", "/v1/%2e%2e%2Fx",
                                        "/v1/x%2F..%2Fy", "/v1/..%5cx",   "/v1/..;/x",       "/v1/x%0d%0aX:1",
                                        "/v1/x?a=\x01",   "/v1/x?a=\x7f", "/v1/.."};
    static const char *const fine[] = {"/v1/models/maker%2Fmodel-1.5", "/v1/..x/...", "/v1/a..b", "/v1/%zz"};
    struct route route;
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_not_equal(route_parse(none[i], &route), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(route_parse(wrong[i], &route), -22);
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        assert_int_equal(route_parse(fine[i], &route), 0);
    assert_int_equal(route_parse("/custom%3Amy%20llm/v1/models", &route), 0);
    assert_string_equal(route.provider, "custom:my llm");
}

static void the_model_is_found_at_the_top_level_only(void **state)
{
    static const struct {
        const char *body, *model;
    } cases[] = {
        {"{\"model\":\"m\"}", "m"},
        {" { \"a\" : [ {\"model\":\"no\"} , \"}\\\"\" ], \"model\" : \"a/b\" , \"z\":{} } ", "a/b"},
        {"{\"model\":\"first\",\"model\":\"last\"}", "last"},
        {"{\"messages\":[{\"model\":\"no\"}]}", NULL},
        {"{\"model\":1}", NULL},
        {"{\"model\":\"with \\u0041 escape\"}", "with A escape"},
        {"{\"model\":\"a\\/b\",\"messages\":[{\"content\":\"the beginn", "a/b"},
        {"{\"model\":\"the beginn", NULL},
        {"[{\"model\":\"m\"}]", NULL},
        {"\"model\"", NULL},
        {"--boundary\r\n{\"model\":\"m\"}", NULL},
        {"\xef\xbb\xbf{\"model\":\"marked\"}", "marked"},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model_place place;
        bool found = model_find(cases[i].body, strlen(cases[i].body), &place);
        assert_int_equal(found, cases[i].model != NULL);
        if (found) {
            char name[MODEL_SIZE];
            assert_true(model_name(cases[i].body, place, name));
            assert_string_equal(name, cases[i].model);
        }
    }
}

static void the_model_of_a_form_is_a_field_and_no_file(void **state)
{
    static const char form[] = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"model\"\r\n\r\nx\r\n"
                               "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\na/b\r\n--b--\r\n";
    struct model_place place;
    struct bytes result = {0};
    (void)state;
    assert_true(model_find_in_form("multipart/form-data; boundary=\"b\"", form, sizeof form - 1, &place));
    assert_memory_equal(form + place.start, "a/b\r\n", 5);
    assert_int_equal(place.end - place.start, 3);
    assert_true(model_replace(form, sizeof form - 1, place, "c", &result));
    assert_non_null(memmem(bytes_at(&result), bytes_len(&result), "\r\n\r\nc\r\n--b--", 12));
    bytes_finish(&result);
    assert_false(model_find_in_form("multipart/form-data; boundary=b", form, place.end, &place));
    assert_false(model_find_in_form("application/json", form, sizeof form - 1, &place));
    static const char bare[] = "--b\r\nContent-Disposition: form-data; name=models\r\n\r\nno\r\n"
                               "--b\r\nContent-Disposition: form-data;name=model; x=y\r\n\r\nyes\r\n--b--\r\n";
    assert_true(model_find_in_form("multipart/form-data; boundary=b", bare, sizeof bare - 1, &place));
    assert_memory_equal(bare + place.start, "yes\r\n", 5);
}

static void the_model_of_pairs_is_written_as_a_query_is(void **state)
{
    static const char type[] = "application/x-www-form-urlencoded; charset=utf-8";
    static const char pairs[] = "a=model=no&model=a%2fb&c=d";
    char name[MODEL_SIZE];
    struct model_place place;
    struct bytes result = {0};
    (void)state;
    assert_true(model_find_in_pairs(type, pairs, sizeof pairs - 1, &place));
    assert_true(model_name(pairs, place, name));
    assert_string_equal(name, "a/b");
    assert_true(model_replace(pairs, sizeof pairs - 1, place, "e f/g", &result));
    assert_true(bytes_add(&result, "", 1));
    assert_string_equal(bytes_at(&result), "a=model=no&model=e%20f%2Fg&c=d");
    bytes_finish(&result);
    assert_false(model_find_in_pairs("text/plain", pairs, sizeof pairs - 1, &place));
    assert_false(model_find_in_pairs(type, "models=a", 8, &place));
}

static void the_path_names_a_model_and_a_dialect(void **state)
{
    static const struct {
        const char *target, *model;
        enum dialect dialect;
    } cases[] = {
        {"/v1/models/a/b", "a/b", DIALECT_ANY},
        {"/v1/models/a%2Fb?x=1", "a%2Fb", DIALECT_ANY},
        {"/v1beta/models/a/b:streamGenerateContent?alt=sse", "a/b", DIALECT_GEMINI},
        {"/v1/models/llama3:8b", "llama3:8b", DIALECT_ANY},
        {"/openai/deployments/d/chat/completions", "d", DIALECT_OPENAI},
        {"/deployments/d/chat/completions", "d", DIALECT_OPENAI},
        {"/p/models/a", "a", DIALECT_ANY},
        {"/messages", NULL, DIALECT_ANTHROPIC},
        {"/embeddings", NULL, DIALECT_OPENAI},
        {"/azure/deployments/d/chat/completions?a=/v1/", "d", DIALECT_OPENAI},
        {"/v1beta/tunedModels/m:generateContent", NULL, DIALECT_GEMINI},
        {"/v1beta/models", NULL, DIALECT_GEMINI},
        {"/v1alpha/cachedContents", NULL, DIALECT_GEMINI},
        {"/upload/v1beta/files", NULL, DIALECT_GEMINI},
        {"/v1beta/openai/chat/completions", NULL, DIALECT_OPENAI},
        {"/v1beta/openai/models", NULL, DIALECT_OPENAI},
        {"/v1/complete", NULL, DIALECT_ANTHROPIC},
        {"/v1/models", NULL, DIALECT_ANY},
        {"/v1/messages/count_tokens", NULL, DIALECT_ANTHROPIC},
        {"/v1/responses", NULL, DIALECT_OPENAI},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct route route;
        size_t len = 0;
        assert_int_equal(route_parse(cases[i].target, &route), 0);
        const char *model = route_model(&route, &len);
        assert_int_equal(model != NULL, cases[i].model != NULL);
        assert_int_equal(len, model == NULL ? 0 : strlen(cases[i].model));
        assert_true(model == NULL || memcmp(model, cases[i].model, len) == 0);
        assert_int_equal(route_dialect(&route), cases[i].dialect);
    }
}

static void a_provider_is_not_asked_what_it_cannot_answer(void **state)
{
    static const struct {
        const char *base, *auth, *target;
        int fits;
    } cases[] = {
        {"https://x/v1", "bearer", "/v1/chat/completions", 0},
        {"https://x/v1", "bearer", "/v1/messages", 0}, /* many have both */
        {"https://x/anthropic", "bearer", "/v1/chat/completions", -EPROTONOSUPPORT},
        {"https://x", "x-api-key", "/v1/responses", -EPROTONOSUPPORT},
        {"https://api.anthropic.com", "x-api-key", "/v1/chat/completions", 0},
        {"https://x/v1beta", "x-goog-api-key", "/v1/messages", -EPROTONOSUPPORT},
        {"https://x/v1beta", "x-goog-api-key", "/v1/chat/completions", 0},
        {"https://x/openai/v1", "bearer", "/p/openai/v1/models", 0},
        {"https://x/openai/v1", "bearer", "/p/other/v1/models", -ENOENT},
        {"https://x/v1", "bearer", "/p/openai/v1/models", -ENOENT},
        {"https://x/v1", "bearer", "/openai/deployments/d/chat/completions", -ENOENT},
        {"https://x", "bearer", "/openai/deployments/d/chat/completions", 0},
        {"https://x/openai/v1", "bearer", "/p/deployments/d/chat/completions", 0},
        {"https://x/v1beta", "x-goog-api-key", "/g/upload/v1beta/files", 0},
        {"https://x/v1", "bearer", "/g/upload/v1beta/files", -EPROTONOSUPPORT},
        {"https://x/proxy/v1beta", "x-goog-api-key", "/upload/v1beta/files", -ENOENT},
        {"https://x/other/v1", "bearer", "/p/deployments/d/chat/completions", -ENOENT},
        {"https://x", "x-api-key", "/openai/deployments/d/chat/completions", -EPROTONOSUPPORT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct route route;
        assert_int_equal(route_parse(cases[i].target, &route), 0);
        assert_int_equal(route_fits(cases[i].base, cases[i].auth, &route), cases[i].fits);
    }
}

static void encodings_are_undone_within_a_limit(void **state)
{
    static const char gzip[] =
        "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\x4c\x4a\x4e\x84\xa3\x34\x28\x00\x28\x96\x9a\x2a\x10\x00\x00\x00";
    struct bytes out = {0};
    (void)state;
    assert_int_equal(decode("identity", "abc", 3, 3, &out), 0);
    assert_memory_equal(bytes_at(&out), "abc", 3);
    bytes_clear(&out);
    assert_int_equal(decode("identity", "abcd", 4, 3, &out), -E2BIG);
    assert_int_equal(decode("gzip", gzip, 12, 100, &out), -EINVAL);
    assert_int_equal(decode("br", "not that", 8, 100, &out), -EINVAL);
    assert_int_equal(decode("zstd", "not that", 8, 100, &out), -EINVAL);
    assert_int_equal(decode("gzip, lz4", gzip, sizeof gzip - 1, 100, &out), -ENOTSUP);
    assert_int_equal(decode("gzip,gzip,gzip,gzip", gzip, sizeof gzip - 1, 100, &out), -EINVAL);
    assert_int_equal(decode("identity, Identity ,identity", "abc", 3, 3, &out), 0);
    assert_int_equal(bytes_len(&out), 3);
    assert_int_equal(decode("identity,identity,identity,identity", "abc", 3, 3, &out), -ENOTSUP);
    bytes_finish(&out);
}

static void another_model_is_put_in_its_place(void **state)
{
    const char *body = "{\"a\":1,\"model\":\"old\",\"b\":[]}";
    const char *wanted = "{\"a\":1,\"model\":\"ne\\\"w\",\"b\":[]}";
    struct bytes result = {0};
    struct model_place place;
    (void)state;
    assert_true(model_find(body, strlen(body), &place));
    assert_true(model_replace(body, strlen(body), place, "ne\"w", &result));
    assert_int_equal(bytes_len(&result), strlen(wanted));
    assert_memory_equal(bytes_at(&result), wanted, strlen(wanted));
    bytes_finish(&result);
}

static void a_key_is_masked_and_its_beginning_waits(void **state)
{
    const char *key = "sk-test-sk-test-1";
    char whole[] = "a sk-test-sk-test-1 b sk-test-sk-test-1";
    char begun[] = "text sk-test-sk-test-";
    char twice[] = "sk-test-sk-test-sk-test-1";
    char other[] = "sk-test-sk-test-2 nothing here";
    char word[] = "ollama";
    (void)state;
    assert_int_equal(mask_key(whole, strlen(whole), key, strlen(key)), 0);
    assert_string_equal(whole, "a ***************** b *****************");
    assert_int_equal(mask_key(begun, strlen(begun), key, strlen(key)), 16);
    assert_int_equal(mask_key(twice, strlen(twice), key, strlen(key)), 0);
    assert_string_equal(twice, "sk-test-*****************");
    assert_int_equal(mask_key(other, strlen(other), key, strlen(key)), 0);
    assert_string_equal(other, "sk-test-sk-test-2 nothing here");
    assert_int_equal(mask_key(word, strlen(word), "ollama", 6), 0); /* a word, and no key */
    assert_string_equal(word, "ollama");
    assert_int_equal(mask_key(NULL, 0, key, strlen(key)), 0);
}

static void a_stream_is_held_until_its_first_event_with_data(void **state)
{
    enum { WHOLE = 1000 };
    static const struct {
        const char *stream;
        size_t end; /* 0: not yet */
    } cases[] = {
        {"data: 1\n\n", 9},
        {"data: 1\n\ndata: 2\n\n", 9},
        {": comment\n\ndata: 1\n\n", 20},
        {"data: {\"type\":\"response.created\",\"response\":{}}\n\n", 0},
        {"event: ping\ndata: {\"type\":\"ping\"}\n\ndata: {\"type\":\"x\"}\n\n", WHOLE},
        {"data: "
         "{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
         0},
        {"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", WHOLE},
        {"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", WHOLE},
        {"data: {\"choices\":[],\"error\":{\"code\":1}}\n\n", WHOLE},
        {"data: 1\r\n\r\nmore", 11},
        {"event: x\ndata: 1\n\n", 18},
        {"event: ping\n\n", 0},
        {"data: 1\n", 0},
        {": comment\n\n", 0},
        {"", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hold_piece piece = {0, 0};
        bool whole = hold_enough(HOLD_EVENT, cases[i].stream, strlen(cases[i].stream), &piece);
        assert_int_equal(whole, cases[i].end != 0);
        assert_int_equal(piece.end, cases[i].end == WHOLE ? strlen(cases[i].stream) : cases[i].end);
    }
    assert_int_equal(hold_for(200, "text/event-stream; charset=utf-8"), HOLD_EVENT);
    assert_int_equal(hold_for(200, "application/json"), HOLD_VALUE);
    assert_int_equal(hold_for(200, "application/x-ndjson"), HOLD_LINE);
    assert_int_equal(hold_for(200, "audio/mpeg"), HOLD_NOTHING);
    assert_int_equal(hold_for(429, NULL), HOLD_BODY);
}

static void pages_of_zeros_take_no_memory(void **state)
{
    const size_t size = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char there[4];
    (void)state;
    char *pages = mmap(NULL, 4 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    memset(pages, 'x', 4 * size);
    memset(pages + 1, 0, 4 * size - 2);
    zero_pages_give_back(pages + 1, 3 * size);
    assert_int_equal(mincore(pages, 4 * size, there), 0);
    assert_true((there[0] & there[1] & there[2] & there[3] & 1) != 0);
    zero_pages_give_back(pages, 4 * size);
    assert_int_equal(mincore(pages, 4 * size, there), 0);
    assert_true((there[0] & 1) != 0 && (there[1] & 1) == 0 && (there[2] & 1) == 0 && (there[3] & 1) != 0);
    assert_true(pages[0] == 'x' && pages[1] == 0 && pages[2 * size] == 0 && pages[4 * size - 1] == 'x');
    (void)munmap(pages, 4 * size);
}

static void what_says_nothing_yet_is_a_preamble(void **state)
{
    static const char *const preambles[] = {"{}", "{\"type\":\"codex.rate_limits\",\"rate_limits\":{\"a\":1}}",
                                            "{\"type\":\"content-start\",\"index\":0}", "{\"choices\":[]}"};
    static const char *const contents[] = {"[]", "{\"a\":1}", "[DONE]", "{\"type\":\"content-delta\"}"};
    struct hold_piece piece;
    char event[256];
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(event, sizeof event, "data: %s\n\n", preambles[i]);
        assert_false(hold_enough(HOLD_EVENT, event, strlen(event), &piece));
        (void)snprintf(event, sizeof event, "data: %s\n\n", contents[i]);
        assert_true(hold_enough(HOLD_EVENT, event, strlen(event), &piece));
    }
}

static void a_silent_stream_gets_a_comment_between_two_events(void **state)
{
    static const struct {
        const char *sent;
        bool due;
    } cases[] = {
        {"", true},
        {"data: 1\n\n", true},
        {"data: 1\r\n\r\n", true},
        {"data: 1\r\r", true},
        {"\n\n", true},
        {": processing\n\n", true},
        {"data: 1\n", false},
        {"data: 1\r\n", false},
        {"event: a\r\ndata: 1\r\n", false},
        {"data: 1", false},
        {"data: 1\n\ndata: 2\n", false},
        {"data: 1\n\nd", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct silence whole = {.since_us = 1000000};
        struct silence pieces = {.since_us = 1000000};
        const char *sent = cases[i].sent;
        silence_end(&whole, sent, strlen(sent), 2000000);
        for (size_t at = 0; at < strlen(sent); at++)
            silence_end(&pieces, sent + at, 1, 2000000);
        assert_false(silence_is_long(&whole, 2000000 + SILENCE_MS * 1000LL - 1));
        assert_int_equal(silence_is_long(&whole, 2000000 + SILENCE_MS * 1000LL), cases[i].due);
        assert_int_equal(silence_is_long(&pieces, 2000000 + SILENCE_MS * 1000LL), cases[i].due);
    }
}

static void a_body_in_chunks_ends_where_each_reader_finds_its_end(void **state)
{
    static const struct {
        const char *body;
        enum chunks_state state;
    } cases[] = {
        {"0\r\n\r\n", CHUNKS_OVER},
        {"5\r\nhello\r\n0\r\n\r\n", CHUNKS_OVER},
        {"5\r\nhello\r\n0\r\n\r\nGET /", CHUNKS_OVER},
        {"2\r\n\n\n\r\n0\r\n\r\n", CHUNKS_OVER},
        {"A;x=\"y\"\r\n0123456789\r\n00\r\nX: y\r\n\r\n", CHUNKS_OVER},
        {"5\r\nhello\r\n0\r\n", CHUNKS_TRAILER},
        {"5\r\nhel", CHUNKS_DATA},
        {"5\r\nhello\n0\r\n\r\n", CHUNKS_BROKEN},
        {"5\nhello\r\n0\r\n\r\n", CHUNKS_BROKEN},
        {"5;x\nhello\r\n0\r\n\r\n", CHUNKS_BROKEN},
        {"5\rhello", CHUNKS_BROKEN},
        {"5 \r\nhello", CHUNKS_BROKEN},
        {"0x5\r\nhello", CHUNKS_BROKEN},
        {"-5\r\nhello", CHUNKS_BROKEN},
        {"\r\n5\r\nhello", CHUNKS_BROKEN},
        {"5\r\nhelloXX", CHUNKS_BROKEN},
        {"0000000000000005\r\nhello", CHUNKS_BROKEN},
        {"0\r\nX: y\n\r\n", CHUNKS_BROKEN},
        {"0\r\n\n", CHUNKS_BROKEN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct chunks whole = {0};
        struct chunks pieces = {0};
        chunks_take(&whole, cases[i].body, strlen(cases[i].body));
        for (size_t at = 0; at < strlen(cases[i].body); at++)
            chunks_take(&pieces, cases[i].body + at, 1);
        assert_int_equal(whole.state, cases[i].state);
        assert_int_equal(pieces.state, cases[i].state);
    }
}

static void json_is_held_until_it_can_be_judged(void **state)
{
    static const struct {
        enum hold hold;
        const char *body;
        size_t end; /* 0: not yet */
    } cases[] = {
        {HOLD_LINE, "{\"a\":1}\n{", 7},   {HOLD_LINE, "{\"a\":1}", 0},
        {HOLD_VALUE, "{\"a\":1}", 0},     {HOLD_VALUE, "[{\"a\":[1]},", 10},
        {HOLD_VALUE, "[{\"a\":", 0},      {HOLD_VALUE, "\n\n", 2},
        {HOLD_LINE, "\r\n\n", 3},         {HOLD_VALUE, "{\n", 0},
        {HOLD_VALUE, "{\"a\":\n1}\n", 0}, {HOLD_VALUE, "{\"a\":1}\n", 7},
        {HOLD_LINE, "\n{\"a\":1}\n", 8},  {HOLD_VALUE, "[{\"a\":\"]}\"", 0},
        {HOLD_BODY, "\n\n", 0},           {HOLD_VALUE, "[", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hold_piece piece = {0, 0};
        assert_int_equal(hold_enough(cases[i].hold, cases[i].body, strlen(cases[i].body), &piece), cases[i].end != 0);
        assert_int_equal(piece.end, cases[i].end);
    }
}

static void headers_that_belong_to_others_do_not_pass(void **state)
{
    (void)state;
    assert_true(headers_go_up("Content-Type", NULL));
    assert_true(headers_go_up("anthropic-beta", "close"));
    assert_false(headers_go_up("Authorization", NULL));
    assert_false(headers_go_up("X-Hop", "close, x-hop"));
    assert_true(headers_go_up("X-Hop", "close, x-hope"));
    assert_false(headers_go_up("PROXY-Authorization", NULL));
    assert_true(headers_come_down("x-ratelimit-reset", 17, NULL));
    assert_false(headers_come_down("Set-Cookie", 10, NULL));
    assert_false(headers_come_down("Transfer-Encoding", 17, NULL));
}

static void a_path_is_logged_without_keys_and_on_one_line(void **state)
{
    static const struct {
        const char *target;
        const char *shown; /* NULL: not as it stands */
    } paths[] = {
        {"/v1/chat/completions", "/v1/chat/completions"},
        {"/my-llm/v1/models/gemini-2.5-flash:generateContent", "/my-llm/v1/models/gemini-2.5-flash:generateContent"},
        {"/a%20b//", "/a%20b//"},
        {"*", "*"},
        {"", ""},
        {"/a b\"c", "/a?b?c"},
        {"/sk-test-0123456789/v1", NULL},
        {"/%73k-test-0123456789/v1", NULL},
        {"/v1/sk-test-0123456789", NULL},
    };
    char out[64];
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        shown_path(paths[i].target, strlen(paths[i].target), out, sizeof out);
        if (paths[i].shown != NULL)
            assert_string_equal(out, paths[i].shown);
        else
            assert_true(strstr(out, "sha256:") != NULL && strstr(out, "k-test") == NULL && strstr(out, "v1") != NULL);
    }
    shown_path("/v1/sk-test-0123456789", 22, out, 8); /* cut, and no part of the key in what is left */
    assert_string_equal(out, "/v1/sha");
}

static void note_request(struct minutes *minutes, const char *provider, int status, long long first_us, double now)
{
    struct record record = {.status = status, .first_us = first_us, .tokens_in = 100, .tokens_out = 7};
    strcpy(record.provider, provider);
    minutes_note(minutes, &record, now);
}

static void assert_minutes(const struct minutes *minutes, double now, const char *part)
{
    struct bytes out = {0};
    assert_true(minutes_json(minutes, now, &out) && bytes_add(&out, "", 1));
    if (strstr(bytes_at(&out), part) == NULL)
        fail_msg("no %s in %s", part, bytes_at(&out));
    bytes_finish(&out);
}

/* Sixty numbers, the running minute's last. */
static void each_minute_of_the_last_hour_is_told(void **state)
{
    struct minutes *minutes = calloc(1, sizeof *minutes);
    const double now = 1.8e9;
    (void)state;
    assert_non_null(minutes);
    assert_minutes(minutes, now, "[]");
    for (int i = 0; i < 9; i++)
        note_request(minutes, "a", 200, 100 * 1000, now - 60);
    note_request(minutes, "a", 429, 0, now - 60);
    note_request(minutes, "a", 200, 5000 * 1000, now);
    note_request(minutes, "a", 0, 0, now);
    assert_minutes(minutes, now, "{\"provider\":\"a\",\"requests\":[0,0,");
    assert_minutes(minutes, now, ",0,10,2],\"failures\":[");
    assert_minutes(minutes, now, ",0,1,1],\"median_ms\":[");
    assert_minutes(minutes, now, ",0,84,5765],\"slow_ms\":[");
    assert_minutes(minutes, now, ",0,1000,200],\"tokens_out\":[");
    assert_minutes(minutes, now, ",0,70,14]}]");
    assert_minutes(minutes, now + 59 * 60, "\"requests\":[2,0,0,");
    assert_minutes(minutes, now + 60 * 60, "[]");
    note_request(minutes, "a", 200, 1, now + 60 * 60); /* in the place of an hour ago */
    assert_minutes(minutes, now + 60 * 60, ",0,1],\"failures\"");
    free(minutes);
}

static void of_many_providers_those_asked_last_are_told(void **state)
{
    struct minutes *minutes = calloc(1, sizeof *minutes);
    char name[32];
    (void)state;
    assert_non_null(minutes);
    for (int i = 0; i < 2 * MINUTES_PROVIDERS; i++) {
        (void)snprintf(name, sizeof name, "provider-%02d", i);
        note_request(minutes, name, 200, 1000, 1.8e9 + i * 60);
    }
    assert_minutes(minutes, 1.8e9 + 2 * MINUTES_PROVIDERS * 60, "provider-31");
    assert_minutes(minutes, 1.8e9 + 2 * MINUTES_PROVIDERS * 60, "[{\"provider\":\"provider-16\"");
    free(minutes);
}

static void tokens_are_counted_in_both_dialects(void **state)
{
    static const char openai[] = "{\"usage\":{\"prompt_tokens\": 12,\"completion_tokens\":34,\"total_tokens\":46}}";
    static const char anthropic[] =
        "{\"usage\":{\"input_tokens\":5,\"output_tokens\":6,\"cache_read_input_tokens\":900}}";
    long long in = 0;
    long long out = 0;
    (void)state;
    usage_scan(openai, strlen(openai), &in, &out);
    assert_int_equal(in, 12);
    assert_int_equal(out, 34);
    in = out = 0;
    usage_scan(anthropic, strlen(anthropic), &in, &out);
    assert_int_equal(in, 5);
    assert_int_equal(out, 6);
}

/* Of all sizes, of those that are kept for the next ones and of larger ones. */
static void a_block_keeps_its_bytes_when_it_grows(void **state)
{
    (void)state;
    key_heap_start();
    key_heap_join();
    for (size_t size = 1; size < 20000; size += size / 3 + 1) {
        unsigned char *block = key_heap_take(size);
        memset(block, 'k', size);
        block = key_heap_resize(block, size * 2);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(block[i], 'k');
        memset(block + size, 'k', size);
        key_heap_give(block);
        block = key_heap_take_zeros(2, size);
        for (size_t i = 0; i < size * 2; i++)
            assert_int_equal(block[i], 0);
        key_heap_give(block);
    }
    char *copy = key_heap_copy("text");
    assert_string_equal(copy, "text");
    key_heap_give(copy);
    assert_null(key_heap_take_zeros(SIZE_MAX / 2, 4));
    key_heap_leave();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_and_base_url_are_joined_with_one_version),
        cmocka_unit_test(paths_that_are_none_of_a_provider_are_told_apart),
        cmocka_unit_test(the_model_is_found_at_the_top_level_only),
        cmocka_unit_test(the_model_of_a_form_is_a_field_and_no_file),
        cmocka_unit_test(the_model_of_pairs_is_written_as_a_query_is),
        cmocka_unit_test(the_path_names_a_model_and_a_dialect),
        cmocka_unit_test(a_provider_is_not_asked_what_it_cannot_answer),
        cmocka_unit_test(encodings_are_undone_within_a_limit),
        cmocka_unit_test(another_model_is_put_in_its_place),
        cmocka_unit_test(a_key_is_masked_and_its_beginning_waits),
        cmocka_unit_test(a_stream_is_held_until_its_first_event_with_data),
        cmocka_unit_test(pages_of_zeros_take_no_memory),
        cmocka_unit_test(what_says_nothing_yet_is_a_preamble),
        cmocka_unit_test(a_silent_stream_gets_a_comment_between_two_events),
        cmocka_unit_test(a_body_in_chunks_ends_where_each_reader_finds_its_end),
        cmocka_unit_test(json_is_held_until_it_can_be_judged),
        cmocka_unit_test(headers_that_belong_to_others_do_not_pass),
        cmocka_unit_test(a_path_is_logged_without_keys_and_on_one_line),
        cmocka_unit_test(each_minute_of_the_last_hour_is_told),
        cmocka_unit_test(of_many_providers_those_asked_last_are_told),
        cmocka_unit_test(tokens_are_counted_in_both_dialects),
        cmocka_unit_test(a_block_keeps_its_bytes_when_it_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
