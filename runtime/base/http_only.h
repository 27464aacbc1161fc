/* Lets a libcurl handle speak HTTP and HTTPS, and nothing else that its URL might name. For the programs that link
 * libcurl; the C file behind this header would make all others link it, too. */
#ifndef HERMES_HTTP_ONLY_H
#define HERMES_HTTP_ONLY_H

#include <curl/curl.h>

static inline CURLcode http_only(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500 /* 7.85 */
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

#endif
