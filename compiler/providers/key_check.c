#include "key_check.h"

#include <string.h>
#include <strings.h>

#include "blank.h"

/* has_usable_secret, min_length */
enum { SHORTEST_KEY = 4 };

static bool is_word(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && strncasecmp(text, word, len) == 0;
}

static bool is_placeholder(const char *text, size_t len)
{
    static const char *const words[] = {
        "*",           "**",      "***",   "changeme", "your_api_key", "your_api_key_here", "your-api-key",
        "placeholder", "example", "dummy", "null",     "none"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(text, len, words[i]))
            return true;
    return false;
}

static bool identifier(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return len > 0;
}

/* `${...}`, `$NAME` or `%(...)s`, and nothing around it. */
static bool is_reference(const char *text, size_t len)
{
    if (len > 3 && text[0] == '$' && text[1] == '{')
        return memchr(text, '}', len) == text + len - 1;
    if (len > 1 && text[0] == '$')
        return identifier(text + 1, len - 1);
    return len > 4 && text[0] == '%' && text[1] == '(' && text[len - 1] == 's' && text[len - 2] == ')';
}

bool key_check_is_secret_reference(const char *text, size_t len)
{
    static const char *const managers[] = {"op",       "bws",     "bw",   "bitwarden", "vault",     "file", "env",
                                           "keychain", "keyring", "pass", "gopass",    "sops",      "age",  "doppler",
                                           "secret",   "aws-sm",  "akv",  "gcp-sm",    "infisical", "exec"};
    text = blank_strip(text, len, &len);
    if (len >= 4 && strncasecmp(text, "ENC[", 4) == 0)
        return true;
    const char *colon = memchr(text, ':', len);
    if (colon == NULL || colon == text)
        return false;
    if (len - (size_t)(colon - text) > 3 && strncmp(colon, "://", 3) == 0)
        return true; /* a URL is no key */
    for (size_t i = 0; i < sizeof managers / sizeof *managers; i++)
        if (is_word(text, (size_t)(colon - text), managers[i]))
            return true;
    return false;
}

bool key_check_is_unclosed(const char *text, size_t len)
{
    const char *open = NULL;
    for (const char *at = text; (at = memmem(at, len - (size_t)(at - text), "${", 2)) != NULL; at += 2)
        open = at;
    return open != NULL && memchr(open, '}', len - (size_t)(open - text)) == NULL;
}

static size_t characters(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

const char *key_check_unusable(const char *text, size_t len)
{
    text = blank_strip(text, len, &len);
    if (is_placeholder(text, len))
        return "is a placeholder";
    if (characters(text, len) < SHORTEST_KEY)
        return "is shorter than four characters";
    if (is_reference(text, len))
        return "is a bare reference";
    if (key_check_is_secret_reference(text, len))
        return "refers to a secret manager";
    if (key_check_is_unclosed(text, len))
        return "has a ${ that is not closed";
    if (memmem(text, len, "${", 2) != NULL)
        return "has a reference in it that nothing has replaced";
    return NULL;
}

static bool contains(const char *text, size_t len, const char *word)
{
    size_t width = strlen(word);
    for (size_t i = 0; i + width <= len; i++)
        if ((text[i] | ' ') == (word[0] | ' ') && strncasecmp(text + i, word, width) == 0)
            return true;
    return false;
}

/* What documentation and .env.example put where a key belongs; no key has these by chance. */
static bool like_a_placeholder(const char *text, size_t len)
{
    static const char *const words[] = {"your-", "your_", "xxxxxx", "change", "replace", "placeholder"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (contains(text, len, words[i]))
            return true;
    return strspn(text, "*") >= len || strspn(text, "xX") >= len || (text[0] == '<' && text[len - 1] == '>');
}

const char *key_check_suspicious(const char *text, size_t len)
{
    text = blank_strip(text, len, &len);
    if (len > 0 && like_a_placeholder(text, len))
        return "looks like a placeholder";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= ' ' || c == 0x7F)
            return "contains spaces or control characters";
        if (c >= 0x80)
            return "contains characters outside ASCII";
    }
    if (len > 1 && (text[0] == '"' || text[0] == '\'') && text[len - 1] == text[0])
        return "has quotes as a part of it";
    if (contains(text, len, "..."))
        return "looks redacted (it contains \"...\")";
    if (contains(text, len, "***"))
        return "looks redacted (it contains \"***\")";
    return NULL;
}
