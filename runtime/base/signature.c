#include "signature.h"

#include <string.h>

#include <sodium.h>

struct signature signature_of(const char *key, size_t key_len, const char *message, size_t len)
{
    crypto_auth_hmacsha256_state state;
    unsigned char hash[crypto_auth_hmacsha256_BYTES];
    struct signature signature;
    (void)crypto_auth_hmacsha256_init(&state, (const unsigned char *)key, key_len);
    (void)crypto_auth_hmacsha256_update(&state, (const unsigned char *)message, len);
    (void)crypto_auth_hmacsha256_final(&state, hash);
    sodium_memzero(&state, sizeof state);
    memcpy(signature.text, "sha256=", 7);
    (void)sodium_bin2hex(signature.text + 7, SIGNATURE_SIZE - 7, hash, sizeof hash);
    return signature;
}
