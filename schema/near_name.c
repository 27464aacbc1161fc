#include "near_name.h"

#include <string.h>

enum { LONGEST = 48 };

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours (optimal string alignment); case counts nothing. Anything
 * above ALLOWED when it is more. */
static size_t distance_of(const char *a, size_t a_len, const char *b, size_t b_len, size_t allowed)
{
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t k = 0; k <= b_len; k++)
        last[k] = k;
    for (size_t i = 1; i <= a_len; i++) {
        size_t best = now[0] = i;
        for (size_t k = 1; k <= b_len; k++) {
            size_t change = lower(a[i - 1]) != lower(b[k - 1]);
            now[k] = least(least(last[k] + 1, now[k - 1] + 1), last[k - 1] + change);
            if (i > 1 && k > 1 && lower(a[i - 1]) == lower(b[k - 2]) && lower(a[i - 2]) == lower(b[k - 1]))
                now[k] = least(now[k], before[k - 2] + 1);
            best = least(best, now[k]);
        }
        if (best > allowed)
            return best;
        size_t *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[b_len];
}

void near_name_consider(struct near_name *near, const char *candidate)
{
    size_t len = near->len = near->len != 0 ? near->len : strlen(near->written);
    size_t other = strlen(candidate);
    size_t allowed = len < 5 ? 1 : len < 9 ? 2 : 3;
    size_t gap = len < other ? other - len : len - other;
    if (gap > allowed || len > LONGEST || other > LONGEST || len < 3)
        return;
    if (lower(near->written[0]) != lower(candidate[0]) && lower(near->written[len - 1]) != lower(candidate[other - 1]))
        return; /* nobody errs at both ends, and most names are told apart so */
    const char *written = near->written;
    const char *start = candidate;
    for (; len > 0 && other > 0 && lower(*written) == lower(*start);
         len--, other--) { /* what they share costs nothing */
        written++;
        start++;
    }
    while (len > 0 && other > 0 && lower(written[len - 1]) == lower(start[other - 1])) {
        len--;
        other--;
    }
    size_t distance = distance_of(written, len, start, other, allowed);
    if (distance > allowed || (near->best != NULL && distance >= near->distance))
        return;
    near->best = candidate;
    near->distance = distance;
}
