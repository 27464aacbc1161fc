#include "lower_case.h"

#include <ctype.h>
#include <limits.h>
#include <locale.h>
#include <stdatomic.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

/* (locale_t)0: this system has none, or no descriptor left for it; letters outside ASCII stay as they are then. */
static locale_t unicode_locale(void)
{
    static _Atomic(locale_t) kept;
    locale_t first = (locale_t)0;
    locale_t unicode = atomic_load(&kept);
    if (unicode != (locale_t)0)
        return unicode;
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (unicode == (locale_t)0 || atomic_compare_exchange_strong(&kept, &first, unicode))
        return unicode;
    freelocale(unicode); /* another thread was faster */
    return first;
}

/* Of the character that TEXT starts with; returns how many bytes of it that was. */
static size_t lower_character(locale_t unicode, const char *text, size_t len, char *result, size_t *ret_len)
{
    wchar_t wide;
    mbstate_t reading = {0};
    mbstate_t writing = {0};
    size_t taken = mbrtowc(&wide, text, len, &reading);
    size_t given = (size_t)-1;
    if (taken == 0 || taken > len) {
        taken = 1;
    } else if (wide == 0x130) { /* the only one that becomes two: i, and the dot above as a mark of its own */
        memcpy(result, "i\xCC\x87", 3);
        given = 3;
    } else {
        given = wcrtomb(result, (wchar_t)towlower_l((wint_t)wide, unicode), &writing);
    }
    if (given > MB_LEN_MAX) {
        memcpy(result, text, taken);
        given = taken;
    }
    *ret_len = given;
    return taken;
}

static size_t lower_ascii(const char *text, size_t len, char *result, size_t size)
{
    for (size_t i = 0; i < len && i + 1 < size; i++)
        result[i] = (char)((unsigned char)text[i] < 0x80 ? tolower((unsigned char)text[i]) : text[i]);
    if (size > 0)
        result[len < size ? len : size - 1] = '\0';
    return len;
}

size_t lower_case(const char *text, size_t len, char *result, size_t size)
{
    size_t need = 0;
    size_t ascii = 0;
    while (ascii < len && (unsigned char)text[ascii] < 0x80)
        ascii++;
    locale_t unicode = ascii < len ? unicode_locale() : (locale_t)0;
    if (unicode == (locale_t)0)
        return lower_ascii(text, len, result, size);
    locale_t before = uselocale(unicode);
    for (size_t i = 0; i < len;) {
        char lower[MB_LEN_MAX];
        size_t given;
        i += lower_character(unicode, text + i, len - i, lower, &given);
        for (size_t k = 0; k < given; k++, need++)
            if (need + 1 < size)
                result[need] = lower[k];
    }
    (void)uselocale(before);
    if (size > 0)
        result[need < size ? need : size - 1] = '\0';
    return need;
}
