#include "fingerprint.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

static void hex(char *text, const unsigned char *bytes, size_t len)
{
    (void)sodium_bin2hex(text, len * 2 + 1, bytes, len);
}

struct digest fingerprint_digest(const char *bytes, size_t len)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    struct digest digest;
    (void)crypto_hash_sha256(hash, (const unsigned char *)bytes, len);
    memcpy(digest.text, "sha256:", 7);
    hex(digest.text + 7, hash, sizeof hash);
    return digest;
}

struct fingerprint fingerprint_of(const char *secret, size_t len)
{
    struct digest digest = fingerprint_digest(secret, len);
    struct fingerprint fingerprint;
    memcpy(fingerprint.text, digest.text, FINGERPRINT_SIZE - 1);
    fingerprint.text[FINGERPRINT_SIZE - 1] = '\0';
    return fingerprint;
}

/* The provider is hashed with its NUL, so that no two (provider, key) pairs run together. */
struct credential_id fingerprint_credential_id(const char *provider, const char *secret, size_t len)
{
    crypto_hash_sha256_state state;
    unsigned char hash[crypto_hash_sha256_BYTES];
    struct credential_id id;
    (void)crypto_hash_sha256_init(&state);
    (void)crypto_hash_sha256_update(&state, (const unsigned char *)provider, strlen(provider) + 1);
    (void)crypto_hash_sha256_update(&state, (const unsigned char *)secret, len);
    (void)crypto_hash_sha256_final(&state, hash);
    sodium_memzero(&state, sizeof state);
    hex(id.text, hash, 3);
    return id;
}

bool fingerprint_valid(const char *text)
{
    return strncmp(text, "sha256:", 7) == 0 && strspn(text + 7, "0123456789abcdef") == FINGERPRINT_SIZE - 8 &&
           strlen(text) == FINGERPRINT_SIZE - 1;
}
