/* Which libcurl a program runs with, for its --version. For the programs that link libcurl; the C file behind this
 * header would make all others link it, too. */
#ifndef HERMES_CURL_LIBRARY_H
#define HERMES_CURL_LIBRARY_H

#include <stdio.h>

#include <curl/curl.h>

/* Prints "libcurl 7.88.1 (OpenSSL/3.0.17)": as loaded, not as built with. */
static inline void curl_library_print(void)
{
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    (void)printf("libcurl %s (%s)", curl->version, curl->ssl_version != NULL ? curl->ssl_version : "no TLS");
}

#endif
