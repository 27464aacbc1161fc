#include "relay_libraries.h"

#include <brotli/decode.h>
#include <cjson/cJSON.h>
#include <microhttpd.h>
#include <sodium.h>
#include <stdio.h>
#include <zlib.h>
#include <zstd.h>

#include "curl_library.h"

void relay_libraries_print(void)
{
    uint32_t brotli = BrotliDecoderVersion(); /* 0xMMMNNNPPP */
    (void)printf("libmicrohttpd %s, ", MHD_get_version());
    curl_library_print();
    (void)printf(", cJSON %s, libsodium %s\n", cJSON_Version(), sodium_version_string());
    (void)printf("zlib %s, brotli %u.%u.%u, zstd %s, systemd %s", zlibVersion(), brotli >> 24, brotli >> 12 & 0xfff,
                 brotli & 0xfff, ZSTD_versionString(), HERMES_SYSTEMD_VERSION);
}
