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

static size_t characters(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

const char *key_unusable(const char *text, size_t len)
{
    text = strip_blanks(text, len, &len);
    if (is_placeholder(text, len))
        return "is a placeholder";
    if (characters(text, len) < SHORTEST_KEY)
        return "is shorter than four characters";
    if (is_reference(text, len))
        return "is a bare reference";
    return NULL;
}

const char *key_suspicious(const char *text, size_t len)
{
    text = strip_blanks(text, len, &len);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= ' ' || c == 0x7F)
            return "contains blanks or control characters";
        if (c >= 0x80)
            return "contains characters outside ASCII";
    }
    if (len > 1 && (text[0] == '"' || text[0] == '\'') && text[len - 1] == text[0])
        return "has quotes as a part of it";
    if (strstr(text, "...") != NULL && strstr(text, "...") < text + len)
        return "looks redacted (it contains \"...\")";
    if (strspn(text, "*") >= len || strspn(text, "xX") >= len)
        return "looks like a placeholder";
    return NULL;
}
