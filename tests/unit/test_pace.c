#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pace.h"

enum { SETTLE = 30, NOW = 1000 };

static struct pace begun(void)
{
    struct pace pace = {.settle_ms = SETTLE};
    assert_false(pace_start(&pace, NOW));
    pace_end(&pace, NOW, PACE_DONE);
    return pace;
}

static void once_per_settle_window_and_the_last_one_too(void **state)
{
    (void)state;
    struct pace pace = begun();
    assert_int_equal(pace_wait(&pace, NOW), -1);
    pace_event(&pace, NOW + 10);
    pace_event(&pace, NOW + 20);
    assert_int_equal(pace_wait(&pace, NOW + 20), 10);
    assert_false(pace_start(&pace, NOW + SETTLE));
    pace_event(&pace, NOW + SETTLE); /* while that is compiled */
    pace_end(&pace, NOW + SETTLE + 5, PACE_DONE);
    assert_int_equal(pace_wait(&pace, NOW + SETTLE + 5), SETTLE - 5);
    assert_false(pace_start(&pace, NOW + 1000));
    pace_event(&pace, NOW + 2000);
    assert_int_equal(pace_wait(&pace, NOW + 2000), 0);
}

static void what_is_emptied_is_believed_after_the_hold(void **state)
{
    (void)state;
    struct pace pace = begun();
    pace_end(&pace, NOW, PACE_HELD);
    pace_event(&pace, NOW + 100);
    assert_false(pace_start(&pace, NOW + 100));
    pace_end(&pace, NOW + 100, PACE_HELD);
    assert_int_equal(pace_wait(&pace, NOW + 100), PACE_HOLD_MS - 100);
    assert_true(pace_start(&pace, NOW + PACE_HOLD_MS));
}

static void a_fight_over_the_pool_delays_no_edit(void **state)
{
    (void)state;
    struct pace pace = begun();
    for (int i = 0; i <= PACE_REPAIRS; i++)
        pace_end(&pace, NOW, PACE_REPAIRED);
    pace_undone(&pace, NOW + 100);
    assert_true(pace_wait(&pace, NOW + 100) > 5000);
    pace_event(&pace, NOW + 100);
    assert_int_equal(pace_wait(&pace, NOW + 100), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_per_settle_window_and_the_last_one_too),
        cmocka_unit_test(what_is_emptied_is_believed_after_the_hold),
        cmocka_unit_test(a_fight_over_the_pool_delays_no_edit),
    };
    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
