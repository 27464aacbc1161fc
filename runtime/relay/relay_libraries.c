#include "relay_libraries.h"

#include <brotli/decode.h>
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <microhttpd.h>
#include <sodium.h>
#include <stdio.h>
#include <zlib.h>
#include <zstd.h>

void relay_libraries_print(void)
{
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    uint32_t brotli = BrotliDecoderVersion(); /* 0xMMMNNNPPP */
    (void)printf("libmicrohttpd %s, libcurl %s (%s), cJSON %s, libsodium %s\n", MHD_get_version(), curl->version,
                 curl->ssl_version != NULL ? curl->ssl_version : "no TLS", cJSON_Version(), sodium_version_string());
    (void)printf("zlib %s, brotli %u.%u.%u, zstd %s, systemd %s", zlibVersion(), brotli >> 24, brotli >> 12 & 0xfff,
                 brotli & 0xfff, ZSTD_versionString(), HERMES_SYSTEMD_VERSION);
}
