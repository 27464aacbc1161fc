#include "fleet_seal.h"

#include <string.h>

#include <sodium.h>

#define MAGIC "hwf1"

enum {
    MAGIC_SIZE = 4,
    NONCE_SIZE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    PROOF_SIZE = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    HEAD_SIZE = MAGIC_SIZE + NONCE_SIZE,
};

struct text fleet_seal(struct arena *arena, const struct fleet_key *key, const char *place, const char *bytes,
                       size_t len)
{
    struct text out = {.arena = arena};
    unsigned char nonce[NONCE_SIZE];
    unsigned long long made = 0;
    randombytes_buf(nonce, sizeof nonce);
    text_reserve(&out, HEAD_SIZE + len + PROOF_SIZE + 1);
    text_append(&out, MAGIC, MAGIC_SIZE);
    text_append(&out, (const char *)nonce, sizeof nonce);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt((unsigned char *)out.bytes + out.len, &made,
                                                     (const unsigned char *)bytes, len, (const unsigned char *)place,
                                                     strlen(place), NULL, nonce, key->seal);
    out.len += (size_t)made;
    out.bytes[out.len] = '\0';
    return out;
}

bool fleet_seal_open(struct arena *arena, const struct fleet_key *key, const char *place, const char *sealed,
                     size_t len, struct text *ret)
{
    struct text out = {.arena = arena};
    unsigned long long made = 0;
    if (len < HEAD_SIZE + PROOF_SIZE || memcmp(sealed, MAGIC, MAGIC_SIZE) != 0)
        return false;
    text_reserve(&out, len);
    const unsigned char *nonce = (const unsigned char *)sealed + MAGIC_SIZE;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)out.bytes, &made, NULL,
                                                   (const unsigned char *)sealed + HEAD_SIZE, len - HEAD_SIZE,
                                                   (const unsigned char *)place, strlen(place), nonce, key->seal) != 0)
        return false;
    out.len = (size_t)made;
    out.bytes[out.len] = '\0';
    *ret = out;
    return true;
}
