/* What etcd's gateway says: values, refusals as its versions word them, and what is no etcd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "arena.h"
#include "etcd_answer.h"

#define HEADER "\"header\":{\"cluster_id\":\"151\",\"revision\":\"9\"}"

/* "error: why" of a whole answer, or of a line (status 0); "0: " is none. */
static const char *shown(long status, const char *text)
{
    static char line[ETCD_WHY_SIZE + 32];
    size_t len = strlen(text);
    struct etcd_answer answer = status == 0 ? etcd_answer_read_line(text, len) : etcd_answer_read(text, len, status);
    (void)snprintf(line, sizeof line, "%d: %s%s", answer.error, answer.why,
                   answer.unauthenticated  ? " (unauthenticated)"
                   : answer.leader_changed ? " (once more)"
                                           : "");
    etcd_answer_finish(&answer);
    return line;
}

static void test_values_that_were_read(void **state)
{
    static const char text[] = "{" HEADER ",\"kvs\":[{\"key\":\"L2E=\",\"mod_revision\":\"7\",\"value\":\"eAB5\","
                               "\"lease\":\"7587881634298478591\"},{\"key\":\"L2I=\",\"value\":\"%\"}]}";
    struct arena *arena = arena_create();
    struct etcd_answer answer = etcd_answer_read(text, strlen(text), 200);
    (void)state;
    assert_int_equal(answer.error, 0);
    assert_string_equal(etcd_answer_cluster(&answer), "151");
    const struct etcd_values values = etcd_answer_values(&answer, arena);
    assert_int_equal(values.count, 2);
    assert_int_equal(values.revision, 9);
    assert_string_equal(values.items[0].key, "/a");
    assert_int_equal(values.items[0].len, 3);
    assert_memory_equal(values.items[0].value, "x\0y", 4);
    assert_true(values.items[0].lease == 7587881634298478591LL); /* etcd uses all 63 bits */
    assert_int_equal(values.items[1].len, 0);
    etcd_answer_finish(&answer);
    arena_destroy(arena);
}

static void test_events_of_a_watch(void **state)
{
    static const char text[] = "{\"result\":{" HEADER ",\"events\":[{\"kv\":{\"key\":\"L2E=\",\"value\":\"eA==\"}},"
                               "{\"type\":\"DELETE\",\"kv\":{\"key\":\"L2I=\"}}]}}";
    struct arena *arena = arena_create();
    struct etcd_answer answer = etcd_answer_read_line(text, strlen(text));
    (void)state;
    assert_int_equal(answer.error, 0);
    const struct etcd_values values = etcd_answer_values(&answer, arena);
    assert_int_equal(values.count, 2);
    assert_string_equal(values.items[0].value, "x");
    assert_string_equal(values.items[1].key, "/b");
    assert_null(values.items[1].value);
    etcd_answer_finish(&answer);
    arena_destroy(arena);
}

static void test_refusals_as_versions_word_them(void **state)
{
    (void)state;
    assert_string_equal(shown(403, "{\"error\":\"e: denied\",\"message\":\"e: denied\",\"code\":7}"), "-2: e: denied");
    assert_string_equal(shown(403, "{\"code\":7,\"message\":\"e: denied\"}"), "-2: e: denied");
    assert_string_equal(shown(401, "{\"code\":16,\"message\":\"old\"}"), "-2: old (unauthenticated)");
    assert_string_equal(shown(503, "{\"code\":14,\"message\":\"no leader\"}"), "-1: no leader");
    assert_string_equal(shown(503, "{\"code\":14,\"message\":\"etcdserver: leader changed\"}"),
                        "-1: etcdserver: leader changed (once more)");
    assert_string_equal(shown(0, "{\"error\":{\"grpc_code\":14,\"message\":\"no leader\"}}"), "-1: no leader");
    assert_string_equal(shown(0, "{\"error\":{\"code\":11,\"message\":\"gone\"}}"), "-4: gone");
    assert_string_equal(shown(0, "{\"result\":{\"canceled\":true,\"compact_revision\":\"5\"}}"),
                        "-4: etcd ended the watch");
    assert_string_equal(shown(0, "{\"result\":{\"canceled\":true,\"cancel_reason\":\"permission denied\"}}"),
                        "-2: permission denied");
}

static void test_what_is_no_etcd(void **state)
{
    (void)state;
    assert_string_equal(shown(200, "<html>"), "-3: the server there is not etcd (HTTP 200)");
    assert_string_equal(shown(200, "{}"), "-3: the server there is not etcd (HTTP 200)");
    assert_string_equal(shown(404, "{\"detail\":\"none\"}"), "-3: the server there is not etcd (HTTP 404)");
    assert_string_equal(shown(502, ""), "-1: the server there is not etcd (HTTP 502)");
    assert_string_equal(shown(307, "{" HEADER "}"), "-3: redirects elsewhere (HTTP 307); redirects are not followed");
    assert_string_equal(shown(0, "{\"result\":7}"), "-3: a line of the watch is not from etcd");
    assert_string_equal(shown(403, "{\"code\":7,\"message\":\"\\u001b[31m\\u0007\"}"), "-2:  [31m ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_that_were_read),
        cmocka_unit_test(test_events_of_a_watch),
        cmocka_unit_test(test_refusals_as_versions_word_them),
        cmocka_unit_test(test_what_is_no_etcd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
