#include "learn_keys.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "known_variables.h"
#include "learned_keys.h"
#include "setting_name.h"

/* Longer ones are no names, and no keys that plain_name() would not know by their form. */
enum { LONGEST_NAME = 64, LONGEST_VALUE = 256 };

static bool is_quote(char c)
{
    return c == '"' || c == '\'';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool ends_name_of_key(char c)
{
    switch (c | 0x20) {
    case 'd':
    case 'h':
    case 'n':
    case 'r':
    case 't':
    case 'y':
        return true;
    default:
        return false;
    }
}

/* Where the name before AT ends, with a quote or blanks behind it. */
static size_t end_of_name(const char *text, size_t at)
{
    while (at > 0 && (is_blank(text[at - 1]) || is_quote(text[at - 1])))
        at--;
    return at;
}

/* Whether the name that ends at AT is one of a key. */
static bool names_a_key(const char *text, size_t at)
{
    char name[LONGEST_NAME + 1];
    size_t start = at;
    while (start > 0 && at - start < LONGEST_NAME &&
           (isalnum((unsigned char)text[start - 1]) || text[start - 1] == '_' || text[start - 1] == '-'))
        start--;
    memcpy(name, text + start, at - start);
    name[at - start] = '\0';
    return setting_name_is_secret(name) || known_variables_secret(name, at - start);
}

/* The value at the start of TEXT: in quotes up to the next one; else up to a blank, or what ends a value in a flow of
 * YAML. */
static const char *value_at(const char *text, size_t len, size_t *ret_len)
{
    size_t start = 0;
    while (start < len && start < LONGEST_VALUE && is_blank(text[start]))
        start++;
    const char quote = start < len && is_quote(text[start]) ? text[start++] : '\0';
    const char *value = text + start;
    const char *end = value + (len - start > LONGEST_VALUE ? LONGEST_VALUE + 1 : len - start);
    const char *at = value;
    if (quote == '\0')
        while (at < end && (unsigned char)*at > ' ' && *at != ',' && *at != '}' && *at != ']')
            at++;
    else
        while (at < end && *at != quote && *at != '\n' && *at != '\r')
            at++;
    *ret_len = (size_t)(at - value);
    return value;
}

/* Of most signs the last letter before or the length of what is behind tells that no key stands there. */
static void learn_behind(const char *text, size_t len, char sign)
{
    const char *end = text + len;
    for (const char *at = text; at < end && (at = memchr(at, sign, (size_t)(end - at))) != NULL;) {
        size_t name_end = end_of_name(text, (size_t)(at - text));
        size_t value_len = 0;
        const char *value = name_end > 0 && ends_name_of_key(text[name_end - 1])
                                ? value_at(at + 1, (size_t)(end - at) - 1, &value_len)
                                : NULL;
        if (value_len >= LEARNED_KEYS_SHORTEST && names_a_key(text, name_end))
            learned_keys_add(value, value_len);
        while (at < end && *at == sign) /* a line of them parts sections */
            at++;
    }
}

void learn_keys(const char *text, size_t len)
{
    if (len == 0)
        return;
    learn_behind(text, len, ':');
    learn_behind(text, len, '=');
}
