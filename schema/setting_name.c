#include "setting_name.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Of ASCII. What is compared with many names is told from most of them by one letter, without a call. */
static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static bool in_list(const char *const *list, size_t count, const char *name)
{
    const char first = lower(*name);
    for (size_t i = 0; i < count; i++)
        if (*list[i] == first && strcasecmp(list[i], name) == 0)
            return true;
    return false;
}

struct ending {
    const char *text;
    size_t len;
};

#define ENDING(text)                                                                                                   \
    {                                                                                                                  \
        text, sizeof text - 1                                                                                          \
    }

static bool ends_with(const char *name, size_t len, struct ending end)
{
    return len > end.len && lower(name[len - 1]) == end.text[end.len - 1] &&
           strcasecmp(name + len - end.len, end.text) == 0;
}

bool setting_name_is_secret(const char *name)
{
    static const char *const names[] = {
        "api_key", "apikey",        "key",         "token",  "secret", "password",        "passwd",
        "auth",    "authorization", "private_key", "bearer", "jwt",    "encoding_aes_key"};
    static const struct ending ends[] = {ENDING("_api_key"),  ENDING("_token"), ENDING("_secret"),
                                         ENDING("_password"), ENDING("apikey"), ENDING("_key")};
    static const char *const names_of_variables[] = {"key_env", "api_key_env", "keyenv", "apikeyenv"};
    if (in_list(names_of_variables, sizeof names_of_variables / sizeof *names_of_variables, name))
        return false;
    if (in_list(names, sizeof names / sizeof *names, name))
        return true;
    const size_t len = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends_with(name, len, ends[i]))
            return true;
    return false;
}

const char *setting_name_meant(const char *name)
{
    static const char *const keys[] = {"key",    "apikey",   "api-key",  "token", "api_token",
                                       "secret", "password", "api_keys", "auth",  "access_token"};
    static const char *const urls[] = {"url",  "baseurl", "base-url", "endpoint", "api_base",
                                       "host", "api_url", "base_uri", "server",   "address"};
    if (in_list(keys, sizeof keys / sizeof *keys, name))
        return "api_key";
    return in_list(urls, sizeof urls / sizeof *urls, name) ? "base_url" : NULL;
}

bool setting_name_is_url(const char *name)
{
    static const char *const names[] = {"url", "base_url", "baseurl", "api_base", "endpoint"};
    return in_list(names, sizeof names / sizeof *names, name) ||
           ends_with(name, strlen(name), (struct ending)ENDING("_url"));
}
