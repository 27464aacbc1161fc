/* What may be shown of a key, and what names it: never the key, nor a part of it. */
#ifndef HERMES_FINGERPRINT_H
#define HERMES_FINGERPRINT_H

#include <stdbool.h>
#include <stddef.h>

/* "sha256:" and 16 hex digits of the SHA-256 of the key's UTF-8 bytes, as Hermes writes `secret_fingerprint`. */
enum { FINGERPRINT_SIZE = 7 + 16 + 1 };
struct fingerprint {
    char text[FINGERPRINT_SIZE];
};
struct fingerprint fingerprint_of(const char *secret, size_t len);

/* "sha256:" and all 64 hex digits, for files and the snapshot's content. */
enum { DIGEST_SIZE = 7 + 64 + 1 };
struct digest {
    char text[DIGEST_SIZE];
};
struct digest fingerprint_digest(const char *bytes, size_t len);

/* Six hex digits that belong to a key of a provider, not to a slot: a rotated key gets another id, so that an old
 * process can at worst bring an old entry back and never overwrite a new one. */
enum { CREDENTIAL_ID_SIZE = 6 + 1 };
struct credential_id {
    char text[CREDENTIAL_ID_SIZE];
};
struct credential_id fingerprint_credential_id(const char *provider, const char *secret, size_t len);

/* `sha256:` and 16 lower-case hex digits. */
bool fingerprint_valid(const char *text);

#endif
