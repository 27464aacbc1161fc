/* Names in groups, of which ten thousand may come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "arena.h"
#include "name_set.h"

static void names_come_and_go(void **state)
{
    struct arena *arena = arena_create();
    struct name_set set = {0};
    (void)state;
    assert_false(name_set_has(&set, "xiaomi 1"));
    name_set_add(arena, &set, "xiaomi 2");
    name_set_add(arena, &set, "xiaomi 1");
    name_set_add(arena, &set, "xiaomi 1");
    name_set_add(arena, &set, "zai 1");
    name_set_add(arena, &set, "zai");
    assert_int_equal(set.count, 4);
    const char **sorted = name_set_sorted(arena, &set);
    assert_string_equal(sorted[0], "xiaomi 1");
    assert_string_equal(sorted[3], "zai 1");
    name_set_remove(&set, "xiaomi 2");
    name_set_remove(&set, "nobody");
    assert_false(name_set_has(&set, "xiaomi 2"));
    assert_string_equal(name_set_of_group(&set, "xiaomi"), "xiaomi 1");
    name_set_remove_group(&set, "xiaomi");
    assert_null(name_set_of_group(&set, "xiaomi"));
    assert_true(name_set_has(&set, "zai"));
    assert_true(name_set_has(&set, "zai 1"));
    name_set_remove_group(&set, "");
    assert_false(name_set_has(&set, "zai"));
    name_set_add(arena, &set, "xiaomi 2");
    assert_int_equal(set.count, 2);
    arena_destroy(arena);
}

static void ten_thousand_groups_are_emptied(void **state)
{
    struct arena *arena = arena_create();
    struct name_set set = {0};
    (void)state;
    for (int i = 0; i < 20000; i++)
        name_set_add(arena, &set, arena_printf(arena, "provider-%d key-%d", i / 2, i));
    for (int i = 0; i < 10000; i++)
        name_set_remove_group(&set, arena_printf(arena, "provider-%d", i));
    assert_int_equal(set.count, 0);
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_and_go),
        cmocka_unit_test(ten_thousand_groups_are_emptied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
