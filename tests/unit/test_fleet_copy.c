/* What lies in etcd and in compiled/ opens only where and as it was sealed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fleet_copy.h"
#include "fleet_resets.h"
#include "fleet_settings.h"

#define PLACE "/hermes-watch/prod/sources/env"

static struct arena *arena;
static const struct fleet_key *key;

static const struct fleet_key *key_of(char digit)
{
    struct fleet_key *made = arena_alloc(arena, sizeof *made);
    memset(made->seal, digit, sizeof made->seal);
    memset(made->name, digit, sizeof made->name);
    return made;
}

static int open_arena(void **state)
{
    (void)state;
    arena = arena_create();
    key = key_of('a');
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_destroy(arena);
    return 0;
}

static const struct fleet_revision sample = {.number = 12,
                                             .id = "0123456789abcdef",
                                             .at = "2026-11-29T22:00:00.000Z",
                                             .by = "deploy@build-1",
                                             .from = 9,
                                             .env = "A=1\n\nB=2\n",
                                             .env_len = 9};

static void test_a_seal_opens_where_it_was_made(void **state)
{
    struct text opened;
    (void)state;
    struct text sealed = fleet_seal(arena, key, PLACE, "text\0more", 9);
    assert_true(fleet_seal_open(arena, key, PLACE, sealed.bytes, sealed.len, &opened));
    assert_int_equal(opened.len, 9);
    assert_memory_equal(opened.bytes, "text\0more", 9);
    assert_false(fleet_seal_open(arena, key, "/hermes-watch/prod/history/1", sealed.bytes, sealed.len, &opened));
    assert_false(fleet_seal_open(arena, key_of('b'), PLACE, sealed.bytes, sealed.len, &opened));
    struct text again = fleet_seal(arena, key, PLACE, "text\0more", 9);
    assert_memory_not_equal(sealed.bytes, again.bytes, sealed.len);
}

static void test_no_byte_of_it_can_be_another(void **state)
{
    struct text opened;
    (void)state;
    struct text sealed = fleet_seal(arena, key, PLACE, "text", 4);
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.bytes[i] ^= 1;
        assert_false(fleet_seal_open(arena, key, PLACE, sealed.bytes, sealed.len, &opened));
        sealed.bytes[i] ^= 1;
        assert_false(fleet_seal_open(arena, key, PLACE, sealed.bytes, i, &opened));
    }
    assert_true(fleet_seal_open(arena, key, PLACE, sealed.bytes, sealed.len, &opened));
}

static void test_a_revision_comes_back_as_it_was(void **state)
{
    struct fleet_revision read;
    (void)state;
    struct text text = fleet_revision_text(arena, &sample);
    assert_true(fleet_revision_parse(arena, text.bytes, text.len, &read));
    assert_int_equal(read.number, 12);
    assert_int_equal(read.from, 9);
    assert_string_equal(read.id, sample.id);
    assert_string_equal(read.at, sample.at);
    assert_string_equal(read.by, sample.by);
    assert_true(fleet_revision_same(&read, &sample));
    for (size_t i = 0; i < text.len - sample.env_len; i++)
        assert_false(fleet_revision_parse(arena, text.bytes, i, &read));
}

static void test_a_revision_that_is_none(void **state)
{
    static const char *const texts[] = {
        "",
        "hermes-fleet-revision 2\nrevision 1\n\n",
        "hermes-fleet-revision 1\n\n",
        "hermes-fleet-revision 1\nrevision 0\n\n",
        "hermes-fleet-revision 1\nrevision -1\n\n",
        "hermes-fleet-revision 1\nrevision 1x\n\n",
        "hermes-fleet-revision 1\nrevision 99999999999999999999\n\n",
        "hermes-fleet-revision 1\nrevision\n\n",
    };
    struct fleet_revision read;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(fleet_revision_parse(arena, texts[i], strlen(texts[i]), &read));
    static const char later[] = "hermes-fleet-revision 1\nrevision 1\nnew thing\n\nA=1\n"; /* of a later version */
    assert_true(fleet_revision_parse(arena, later, strlen(later), &read));
    assert_int_equal(read.env_len, 4);
}

static void test_a_copy_opens_for_its_fleet(void **state)
{
    struct fleet_copy copy;
    struct fleet_revision read;
    (void)state;
    struct text text = fleet_revision_text(arena, &sample);
    struct text sealed = fleet_seal(arena, key, PLACE, text.bytes, text.len);
    const struct fleet_copy made = {.fleet = "prod", .cluster = "7", .sealed = sealed.bytes, .len = sealed.len};
    struct text file = fleet_copy_text(arena, &made);
    assert_true(fleet_copy_parse(arena, file.bytes, file.len, &copy));
    assert_string_equal(copy.cluster, "7");
    assert_null(fleet_copy_open(arena, &copy, key, "prod", &read));
    assert_int_equal(read.number, 12);
    assert_string_equal(fleet_copy_open(arena, &copy, key, "test", &read), "is of another fleet");
    assert_non_null(fleet_copy_open(arena, &copy, key_of('b'), "prod", &read));
    for (size_t i = 0; i < file.len; i++)
        if (fleet_copy_parse(arena, file.bytes, i, &copy))
            assert_non_null(fleet_copy_open(arena, &copy, key, "prod", &read));
}

static void test_names_are_hashes_under_the_key(void **state)
{
    char one[FLEET_NAME_SIZE];
    char two[FLEET_NAME_SIZE];
    (void)state;
    fleet_key_name(key, "xiaomi sha256:0123456789abcdef", one);
    fleet_key_name(key, "xiaomi sha256:0123456789abcdef", two);
    assert_string_equal(one, two);
    assert_int_equal(strlen(one), 32);
    fleet_key_name(key_of('b'), "xiaomi sha256:0123456789abcdef", two);
    assert_string_not_equal(one, two);
}

static void test_a_key_file(void **state)
{
    char folder[] = "/tmp/hermes-fleet-key-XXXXXX";
    const char *trouble;
    (void)state;
    assert_non_null(mkdtemp(folder));
    const char *path = arena_printf(arena, "%s/deep/er/key", folder);
    assert_int_equal(fleet_key_make(arena, path), 0);
    assert_int_equal(fleet_key_make(arena, path), -17); /* EEXIST */
    const struct fleet_key *read = fleet_key_read(arena, path, &trouble);
    assert_non_null(read);
    assert_memory_not_equal(read->seal, read->name, FLEET_KEY_BYTES);
    assert_int_equal(chmod(path, 0640), 0);
    assert_null(fleet_key_read(arena, path, &trouble));
    assert_non_null(strstr(trouble, "is readable by others (mode 0640)"));
    assert_null(fleet_key_read(arena, folder, &trouble));
    assert_null(fleet_key_read(arena, arena_printf(arena, "%s/none", folder), &trouble));
    assert_non_null(strstr(trouble, "does not exist"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(arena_printf(arena, "%s/deep/er", folder)), 0);
    assert_int_equal(rmdir(arena_printf(arena, "%s/deep", folder)), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void test_endpoints_and_names(void **state)
{
    static const char *const good[] = {"https://etcd-1:2379", "https://etcd-1", "http://127.0.0.1:2379",
                                       "http://localhost:1",  "http://[::1]:2", "http://127.9.9.9"};
    static const char *const bad[] = {"http://etcd-1:2379", "http://127.0.0.1.example.com",
                                      "http://127.x",       "https://a@b",
                                      "https://etcd-1/v3",  "https://etcd-1?x",
                                      "ftp://etcd-1",       "etcd-1:2379",
                                      "https://",           "https://etcd-1 evil:23",
                                      "https://etcd\n",     "http://127.evil.com"};
    static const char *const names[] = {"", ".hidden", "a/b", "a b", "ä", "a\n"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_null(fleet_settings_endpoint_trouble(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_non_null(fleet_settings_endpoint_trouble(bad[i]));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_false(fleet_settings_name_fits(names[i]));
    assert_true(fleet_settings_name_fits("prod-1.eu_West"));
    assert_false(fleet_settings_name_fits("0123456789012345678901234567890123456789012345678901234567890123x"));
}

static void test_which_resets_are_meant(void **state)
{
    static const char lines[] = "xiaomi sha256:0123456789abcdef\ncustom:my llm *\n";
    (void)state;
    assert_true(fleet_resets_mean(lines, "xiaomi", "sha256:0123456789abcdef"));
    assert_false(fleet_resets_mean(lines, "xiaomi", "sha256:0123456789abcdee"));
    assert_false(fleet_resets_mean(lines, "iaomi", "sha256:0123456789abcdef"));
    assert_true(fleet_resets_mean(lines, "custom:my llm", "sha256:0123456789abcdee"));
    assert_false(fleet_resets_mean("", "xiaomi", "sha256:0123456789abcdef"));
    assert_false(fleet_resets_mean("nonsense", "xiaomi", "sha256:0123456789abcdef"));
    assert_true(fleet_resets_mean("* *\n", "xiaomi", "sha256:0123456789abcdef"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_seal_opens_where_it_was_made, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(test_no_byte_of_it_can_be_another, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(test_a_revision_comes_back_as_it_was, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(test_a_revision_that_is_none, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(test_a_copy_opens_for_its_fleet, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(test_names_are_hashes_under_the_key, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(test_a_key_file, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(test_endpoints_and_names, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(test_which_resets_are_meant, open_arena, close_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
