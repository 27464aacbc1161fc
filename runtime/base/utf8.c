#include "utf8.h"

#include <stdint.h>
#include <string.h>

size_t utf8_length(const char *text, size_t left)
{
    const unsigned char *bytes = (const unsigned char *)text;
    unsigned char c = bytes[0];
    size_t len = c < 0x80 ? 1 : c >= 0xF0 && c <= 0xF4 ? 4 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xC2 && c < 0xE0 ? 2 : 0;
    if (len == 0 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (c == 0xE0 && bytes[1] < 0xA0) || (c == 0xF0 && bytes[1] < 0x90);
    bool beyond = (c == 0xED && bytes[1] > 0x9F) || (c == 0xF4 && bytes[1] > 0x8F);
    return overlong || beyond ? 0 : len;
}

size_t utf8_broken_length(const char *text, size_t left)
{
    static const char filler[3] = {'\x80', '\x80', '\x80'};
    for (size_t known = left < 3 ? left : 3; known > 1; known--) {
        char whole[2 * sizeof filler];
        memcpy(whole, text, known);
        memcpy(whole + known, filler, sizeof filler);
        if (utf8_length(whole, known + sizeof filler) > known)
            return known;
    }
    return 1;
}

size_t utf8_valid(const char *bytes, size_t len)
{
    static const uint64_t high_bits = 0x8080808080808080u;
    size_t at = 0;
    for (size_t width; at < len; at += width) {
        uint64_t eight;
        for (; at + sizeof eight <= len; at += sizeof eight) { /* ASCII, most of the time */
            memcpy(&eight, bytes + at, sizeof eight);
            if ((eight & high_bits) != 0)
                break;
        }
        width = at < len ? utf8_length(bytes + at, len - at) : 0;
        if (width == 0)
            break;
    }
    return at;
}

const char *utf8_find(const char *bytes, size_t len, const char *character)
{
    const char *end = bytes + len;
    size_t size = strlen(character);
    for (const char *at = bytes; (at = memchr(at, *character, (size_t)(end - at))) != NULL; at++)
        if ((size_t)(end - at) >= size && memcmp(at, character, size) == 0)
            return at;
    return NULL;
}

size_t utf8_steers(const char *at, size_t left)
{
    const unsigned char *c = (const unsigned char *)at;
    if (*c < 0x20 || *c == 0x7F)
        return 1;
    if (left < 2 || *c < 0x80)
        return 0;
    if (*c == 0xC2)
        return c[1] < 0xA0 ? 2 : 0;
    if (left < 3 || *c != 0xE2)
        return 0;
    bool marks = c[1] == 0x80 && (c[2] == 0x8E || c[2] == 0x8F || (c[2] >= 0xA8 && c[2] <= 0xAE));
    return marks || (c[1] == 0x81 && c[2] >= 0xA6 && c[2] <= 0xA9) ? 3 : 0;
}
