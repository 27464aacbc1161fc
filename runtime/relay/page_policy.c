#include "page_policy.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "relay.h"

/* 'sha256-...' of what stands between OPENING and CLOSING; 'none' when the page has no such element. */
static void source_of(const struct relay_page *page, const char *opening, const char *closing, char *out, size_t size)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    char text[sodium_base64_ENCODED_LEN(sizeof digest, sodium_base64_VARIANT_ORIGINAL)];
    const char *from = memmem(page->bytes, page->len, opening, strlen(opening));
    const char *end = page->bytes + page->len;
    const char *to = from == NULL ? NULL : memmem(from, (size_t)(end - from), closing, strlen(closing));
    if (to == NULL) {
        (void)snprintf(out, size, "'none'");
        return;
    }
    from += strlen(opening);
    (void)crypto_hash_sha256(digest, (const unsigned char *)from, (unsigned long long)(to - from));
    (void)sodium_bin2base64(text, sizeof text, digest, sizeof digest, sodium_base64_VARIANT_ORIGINAL);
    (void)snprintf(out, size, "'sha256-%s'", text);
}

void page_policy_set(struct relay_page *page)
{
    char script[64];
    char style[64];
    source_of(page, "<script>", "</script>", script, sizeof script);
    source_of(page, "<style>", "</style>", style, sizeof style);
    (void)snprintf(page->headers, sizeof page->headers,
                   "Content-Security-Policy: default-src 'none'; script-src %s; style-src %s; connect-src 'self'; "
                   "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"
                   "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nX-Frame-Options: DENY\r\n",
                   script, style);
}
