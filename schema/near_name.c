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

static uint64_t bit(char letter)
{
    return (uint64_t)1 << ((unsigned char)lower(letter) & 63);
}

struct name_letters near_name_letters(const char *name)
{
    struct name_letters known = {.name = name, .len = strlen(name)};
    for (size_t i = 0; i < known.len; i++)
        known.letters |= bit(name[i]);
    return known;
}

static bool are_more_than(uint64_t bits, size_t most)
{
    for (; most > 0; most--)
        bits &= bits - 1;
    return bits != 0;
}

/* Loosely: what differs in more than its case does. */
static bool differ(char a, char b)
{
    return ((a ^ b) & ~0x20) != 0;
}

/* Each letter that only one of them has takes a change of its own. */
static bool share_letters(uint64_t a, uint64_t b, size_t allowed)
{
    return !are_more_than(a & ~b, allowed) && !are_more_than(b & ~a, allowed);
}

static void consider_closely(struct near_name *near, const struct name_letters *candidate, size_t allowed)
{
    const char *written = near->written;
    const char *start = candidate->name;
    size_t len = near->letters.len;
    size_t other = candidate->len;
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
    near->best = candidate->name;
    near->distance = distance;
}

void near_name_consider_letters(struct near_name *near, const struct name_letters *candidate)
{
    const struct name_letters *written = &near->letters;
    if (written->name == NULL)
        near->letters = near_name_letters(near->written);
    const size_t len = written->len;
    const size_t other = candidate->len;
    const size_t allowed = len < 5 ? 1 : len < 9 ? 2 : 3;
    if (len < 3 || len > LONGEST || other == 0 || other > LONGEST || other > len + allowed || len > other + allowed)
        return;
    if (differ(written->name[0], candidate->name[0]) && differ(written->name[len - 1], candidate->name[other - 1]))
        return; /* nobody errs at both ends, and most names are told apart so */
    if (share_letters(written->letters, candidate->letters, allowed))
        consider_closely(near, candidate, allowed);
}

void near_name_consider(struct near_name *near, const char *candidate)
{
    const struct name_letters letters = near_name_letters(candidate);
    near_name_consider_letters(near, &letters);
}

bool near_name_same_letters(const struct name_letters *a, const struct name_letters *b)
{
    const char *left = a->name;
    const char *right = b->name;
    if (((a->letters ^ b->letters) & ~(bit('-') | bit('_'))) != 0)
        return false;
    for (;; left++, right++) {
        while (*left == '-' || *left == '_')
            left++;
        while (*right == '-' || *right == '_')
            right++;
        if (lower(*left) != lower(*right))
            return false;
        if (*left == '\0')
            return true;
    }
}
