#include "learned_keys.h"

#include <ctype.h>
#include <stdatomic.h>
#include <stdint.h>

#include <sodium.h>

/* PLACES is a power of two; a key may stand at one of WAYS places, of which the first is taken again when all are. */
enum { LONGEST = 256, PLACES = 4096, WAYS = 8 };

static _Atomic uint64_t table[PLACES]; /* 0: free */

/* In lower case; never 0. */
static uint64_t hash(const char *text, size_t len)
{
    static const unsigned char key[crypto_shorthash_KEYBYTES];
    unsigned char folded[LONGEST];
    unsigned char digest[crypto_shorthash_BYTES];
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++)
        folded[i] = (unsigned char)tolower((unsigned char)text[i]);
    (void)crypto_shorthash(digest, folded, len, key);
    sodium_memzero(folded, len);
    for (size_t i = 0; i < sizeof digest; i++)
        number = number << 8 | digest[i];
    return number | 1;
}

static bool is_variable(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isupper((unsigned char)text[i]) && !isdigit((unsigned char)text[i]) && text[i] != '_')
            return false;
    return true;
}

void learned_keys_add(const char *key, size_t len)
{
    if (len < LEARNED_KEYS_SHORTEST || len > LONGEST || is_variable(key, len))
        return;
    uint64_t number = hash(key, len);
    for (size_t i = 0; i < WAYS; i++) {
        uint64_t there = 0;
        _Atomic uint64_t *place = &table[(number + i) % PLACES];
        if (atomic_compare_exchange_strong(place, &there, number) || there == number)
            return;
    }
    atomic_store(&table[number % PLACES], number);
}

bool learned_keys_has(const char *text, size_t len)
{
    if (len < LEARNED_KEYS_SHORTEST || len > LONGEST)
        return false;
    uint64_t number = hash(text, len);
    for (size_t i = 0; i < WAYS; i++)
        if (atomic_load(&table[(number + i) % PLACES]) == number)
            return true;
    return false;
}
