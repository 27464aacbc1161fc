#include "blank.h"

#include <string.h>

size_t blank_at(const char *text, size_t len)
{
    static const char *const wide[] = {"\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81",
                                       "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
                                       "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8",
                                       "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};
    unsigned char c = len > 0 ? (unsigned char)text[0] : 0;
    if (len > 0 && (c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F)))
        return 1;
    if (c < 0xC2 || c > 0xE3) /* none of the others starts so */
        return 0;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (len >= strlen(wide[i]) && memcmp(text, wide[i], strlen(wide[i])) == 0)
            return strlen(wide[i]);
    return 0;
}

static size_t blank_before(const char *text, size_t len)
{
    size_t longest = len > 0 && (unsigned char)text[len - 1] >= 0x80 ? 3 : 1;
    for (size_t size = 1; size <= longest && size <= len; size++)
        if (blank_at(text + len - size, size) == size)
            return size;
    return 0;
}

const char *blank_strip(const char *text, size_t len, size_t *ret_len)
{
    for (size_t blank; (blank = blank_at(text, len)) > 0; len -= blank)
        text += blank;
    for (size_t blank; (blank = blank_before(text, len)) > 0;)
        len -= blank;
    *ret_len = len;
    return text;
}
