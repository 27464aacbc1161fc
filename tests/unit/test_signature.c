/* Signatures against the cases of RFC 4231. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "signature.h"

static void known_cases(void **state)
{
    char key[131];
    const char *data = "Hi There";
    (void)state;
    memset(key, 0x0b, 20);
    assert_string_equal(signature_of(key, 20, data, strlen(data)).text,
                        "sha256=b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    data = "what do ya want for nothing?";
    assert_string_equal(signature_of("Jefe", 4, data, strlen(data)).text,
                        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    data = "Test Using Larger Than Block-Size Key - Hash Key First";
    memset(key, 0xaa, 131);
    assert_string_equal(signature_of(key, 131, data, strlen(data)).text,
                        "sha256=60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
