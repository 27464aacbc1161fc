#include "shown_path.h"

#include <string.h>

#include "fingerprint.h"
#include "learned_keys.h"
#include "plain_name.h"
#include "route.h"

/* Longer than any plain segment's name. */
enum { SEGMENT_SIZE = 512 };

/* As most segments are: nothing that plain_name() could mind is as short as that without a capital or a hyphen. */
static bool short_word(const char *segment, size_t len)
{
    size_t i = 0;
    while (i < len && ((segment[i] >= 'a' && segment[i] <= 'z') || (segment[i] >= '0' && segment[i] <= '9')))
        i++;
    return i == len && len < LEARNED_KEYS_SHORTEST;
}

static bool plain_segment(const char *segment, size_t len)
{
    char decoded[SEGMENT_SIZE];
    if (short_word(segment, len))
        return true;
    return route_decode(segment, len, decoded, sizeof decoded) ? plain_name(decoded, strlen(decoded))
                                                               : len < SEGMENT_SIZE && plain_name(segment, len);
}

static char plainly(char c)
{
    return (unsigned char)c <= ' ' || (unsigned char)c >= 127 || c == '"' ? '?' : c;
}

void shown_path(const char *target, size_t len, char *out, size_t size)
{
    size_t used = 0;
    for (size_t at = 0; at < len && used + 1 < size;) {
        const char *slash = memchr(target + at, '/', len - at);
        size_t part = slash == NULL ? len - at : (size_t)(slash - target) - at;
        bool plain = plain_segment(target + at, part);
        struct fingerprint print = plain ? (struct fingerprint){""} : fingerprint_of(target + at, part);
        const char *shown = plain ? target + at : print.text;
        size_t shown_len = plain ? part : strlen(shown);
        for (size_t i = 0; i < shown_len && used + 1 < size; i++)
            out[used++] = plainly(shown[i]);
        at += part;
        if (at < len && used + 1 < size) {
            out[used++] = '/';
            at++;
        }
    }
    out[used] = '\0';
}
