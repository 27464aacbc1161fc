/* What counts as a slip of the fingers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "near_name.h"

static void check(const char *written, const char *const *names, const char *nearest)
{
    struct near_name near = {.written = written};
    for (; *names != NULL; names++)
        near_name_consider(&near, *names);
    if (nearest == NULL)
        assert_null(near.best);
    else
        assert_string_equal(near.best, nearest);
}

static void slips_are_found(void **state)
{
    static const char *const names[] = {"model", "providers", "fallback_providers", "terminal", "stt", NULL};
    (void)state;
    check("modle", names, "model");
    check("MODEL", names, "model");
    check("provider", names, "providers");
    check("fallback_provider", names, "fallback_providers");
    check("terminall", names, "terminal");
    check("st", names, NULL); /* of two letters, each may be meant */
    check("sst", names, "stt");
}

static void other_names_are_not(void **state)
{
    static const char *const names[] = {"sessions", "security", "skills", "m", "", NULL};
    (void)state;
    check("section12", names, NULL);
    check("xkillx", names, NULL); /* wrong at both ends */
    check("models", names, NULL);
    check("", names, NULL);
}

static void hyphens_and_case_are_nothing(void **state)
{
    const struct name_letters written = near_name_letters("Api-Key");
    const struct name_letters known = near_name_letters("api_key");
    const struct name_letters other = near_name_letters("api_keys");
    (void)state;
    assert_true(near_name_same_letters(&written, &known));
    assert_false(near_name_same_letters(&written, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slips_are_found),
        cmocka_unit_test(other_names_are_not),
        cmocka_unit_test(hyphens_and_case_are_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
