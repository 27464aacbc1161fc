#include "key_check.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "blank.h"
#include "known_variables.h"

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

static bool wrapped(const char *text, size_t len, const char *open, const char *close)
{
    size_t before = strlen(open);
    size_t after = strlen(close);
    return len > before + after && memcmp(text, open, before) == 0 && memcmp(text + len - after, close, after) == 0;
}

/* A variable as other programs write it: `%NAME%`, `{{ NAME }}`, `<NAME>`, `os.environ/NAME`, or nothing but the name
 * of one that Hermes knows. No provider's key looks so, and neither Hermes nor anything before it replaces these. */
static bool is_foreign_reference(const char *text, size_t len)
{
    bool percent = wrapped(text, len, "%", "%") && identifier(text + 1, len - 2);
    bool environ = len > 11 && (memcmp(text, "os.environ/", 11) == 0 || memcmp(text, "os.environ[", 11) == 0);
    bool angle = wrapped(text, len, "<", ">") && known_variables_secret(text + 1, len - 2);
    return percent || environ || angle || wrapped(text, len, "{{", "}}") || known_variables_secret(text, len);
}

static bool is_command(const char *text, size_t len)
{
    return wrapped(text, len, "$(", ")") || wrapped(text, len, "`", "`");
}

static bool is_scheme(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && strchr("+-.", text[i]) == NULL)
            return false;
    return len < 16;
}

bool key_check_is_secret_reference(const char *text, size_t len)
{
    static const char *const managers[] = {
        "op",      "bws",    "bw",        "bitwarden",   "vault",  "file",    "env",    "keychain",
        "keyring", "pass",   "gopass",    "sops",        "age",    "doppler", "secret", "aws-sm",
        "akv",     "gcp-sm", "infisical", "exec",        "arn",    "awssm",   "ssm",    "azkv",
        "gsm",     "lpass",  "1password", "onepassword", "conjur", "chamber", "gcp"};
    text = blank_strip(text, len, &len);
    if ((len >= 4 && strncasecmp(text, "ENC[", 4) == 0) ||
        (len >= 19 && strncasecmp(text, "@Microsoft.KeyVault", 19) == 0))
        return true;
    const char *colon = memchr(text, ':', len);
    if (colon == NULL || colon == text)
        return false;
    if (len - (size_t)(colon - text) > 3 && strncmp(colon, "://", 3) == 0 && is_scheme(text, (size_t)(colon - text)))
        return true; /* a URL is no key */
    for (size_t i = 0; i < sizeof managers / sizeof *managers; i++)
        if (is_word(text, (size_t)(colon - text), managers[i]))
            return true;
    return false;
}

bool key_check_is_unclosed(const char *text, size_t len)
{
    const char *end = text + len;
    const char *open = NULL;
    for (const char *at = memchr(text, '$', len); at != NULL; at = memchr(at, '$', (size_t)(end - at)))
        if (++at < end && *at == '{')
            open = at;
    return open != NULL && memchr(open, '}', (size_t)(end - open)) == NULL;
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
    if (characters(text, len) < SHORTEST_KEY && !key_check_is_unclosed(text, len))
        return "is shorter than four characters";
    if (is_reference(text, len))
        return "is a reference that nothing has replaced";
    if (is_foreign_reference(text, len))
        return "names a variable in a form that Hermes does not replace";
    if (is_command(text, len))
        return "is a command of a shell, which Hermes does not run";
    if (len > 8 && (strncasecmp(text, "https://", 8) == 0 || strncasecmp(text, "http://", 7) == 0))
        return "is a URL";
    if (key_check_is_secret_reference(text, len))
        return "refers to a secret manager";
    if (key_check_is_unclosed(text, len))
        return "has a ${ that is not closed";
    if (memmem(text, len, "${", 2) != NULL)
        return "has a reference in it that nothing has replaced";
    return NULL;
}

static bool starts_with_any(const char *text, size_t len, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strlen(*words) <= len && strncasecmp(text, *words, strlen(*words)) == 0)
            return true;
    return false;
}

/* Of most characters their last five bits tell that none of WORDS, which end with NULL, begins there. */
static bool contains_any(const char *text, size_t len, const char *const *words)
{
    uint32_t beginnings = 0;
    for (size_t i = 0; words[i] != NULL; i++)
        beginnings |= UINT32_C(1) << (words[i][0] & 31);
    for (size_t i = 0; i < len; i++)
        if ((beginnings >> (text[i] & 31) & 1) != 0 && starts_with_any(text + i, len - i, words))
            return true;
    return false;
}

/* What documentation and .env.example put where a key belongs; no key has these by chance. */
static bool like_a_placeholder(const char *text, size_t len)
{
    static const char *const words[] = {"your-", "your_", "xxxxxx", "change", "replace", "placeholder", NULL};
    static const char *const whole[] = {"todo", "fixme", "tbd", "api_key", "api-key", "apikey", "true", "false"};
    if (contains_any(text, len, words))
        return true;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (is_word(text, len, whole[i]))
            return true;
    return strspn(text, "*") >= len || strspn(text, "xX") >= len || (text[0] == '<' && text[len - 1] == '>');
}

/* What stands before the key where more was pasted than it. */
/* Of a file that has the key, as Docker's NAME_FILE variables do. */
static bool is_path(const char *text, size_t len)
{
    static const char *const starts[] = {"/run/", "/etc/", "/home/", "/root/", "/var/", "/opt/",
                                         "/mnt/", "/tmp/", "/usr/",  "~/",     "./",    "../"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (len > strlen(starts[i]) && memcmp(text, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static struct key_doubt pasted_before(const char *text, size_t len)
{
    const char *sign = memchr(text, '=', len);
    const size_t name = sign == NULL ? 0 : strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    if (len > 7 && strncasecmp(text, "Bearer ", 7) == 0)
        return (struct key_doubt){"starts with \"Bearer \"", "remove it: Hermes adds it"};
    if (len > 10 && (strncasecmp(text, "Authorization:", 14) == 0 || strncasecmp(text, "x-api-key:", 10) == 0))
        return (struct key_doubt){"is a whole header", "keep only the key"};
    if (text[0] == '=' || text[0] == ':')
        return (struct key_doubt){text[0] == '=' ? "starts with an equals sign" : "starts with a colon", "remove it"};
    if (is_path(text, len))
        return (struct key_doubt){"is the path of a file", "write what is in the file: Hermes does not read it"};
    if (name > 4 && text + name == sign && memchr(text, '_', name) != NULL)
        return (struct key_doubt){"starts with the name of a variable", "keep only the part after the \"=\""};
    return (struct key_doubt){0};
}

static struct key_doubt not_ascii(const char *text, size_t len)
{
    static const char *const quotes[] = {"\xE2\x80\x98", "\xE2\x80\x99", "\xE2\x80\x9C", "\xE2\x80\x9D",
                                         "\xE2\x80\x9E", "\xC2\xAB",     "\xC2\xBB"};
    static const char *const unseen[] = {"\xE2\x80\x8B", "\xE2\x80\x8C", "\xE2\x80\x8D", "\xE2\x81\xA0",
                                         "\xEF\xBB\xBF", "\xC2\xA0",     "\xC2\xAD"};
    for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++)
        if (memmem(text, len, quotes[i], strlen(quotes[i])) != NULL)
            return (struct key_doubt){"has typographic quotes in it", "remove them, or write \" instead"};
    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++)
        if (memmem(text, len, unseen[i], strlen(unseen[i])) != NULL)
            return (struct key_doubt){"has an invisible character in it", "paste the key again as plain text"};
    return (struct key_doubt){"contains characters outside ASCII", "paste the key again as plain text"};
}

static struct key_doubt odd_character(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x80)
            return not_ascii(text + i, len - i);
        if (c == '\n' || c == '\r')
            return (struct key_doubt){"contains a line break", "write it in one line"};
        if (c == ' ' || c == '\t')
            return (struct key_doubt){"contains a space", "keep only the key; a comment belongs in a line of its own"};
        if (c < ' ' || c == 0x7F)
            return (struct key_doubt){"contains a control character", "paste the key again as plain text"};
    }
    return (struct key_doubt){0};
}

static struct key_doubt odd_end(const char *text, size_t len)
{
    char last = text[len - 1];
    if (len > 1 && (text[0] == '"' || text[0] == '\'') && last == text[0])
        return (struct key_doubt){"has quotes as a part of it", "remove one pair of quotes"};
    if ((text[0] == '[' && last == ']') || (text[0] == '(' && last == ')') || (text[0] == '{' && last == '}'))
        return (struct key_doubt){"has brackets as a part of it", "remove them"};
    if (last == '"' || last == '\'')
        return (struct key_doubt){"ends with a quote", "remove it, or write one before the key as well"};
    if (last == ',' || last == ';' || last == '\\')
        return (struct key_doubt){last == ','   ? "ends with a comma"
                                  : last == ';' ? "ends with a semicolon"
                                                : "ends with a backslash",
                                  "remove it"};
    if (memchr(text, ',', len) != NULL && strchr(text, ',') != text)
        return (struct key_doubt){"contains a comma", "write one key; a second one belongs in a variable of its own"};
    return (struct key_doubt){0};
}

struct key_doubt key_check_suspicious(const char *text, size_t len)
{
    static const char *const redacted[] = {"...", "***", "redacted", "\xE2\x80\xA6", NULL};
    text = blank_strip(text, len, &len);
    if (len == 0)
        return (struct key_doubt){0};
    struct key_doubt doubt = pasted_before(text, len);
    if (doubt.why != NULL)
        return doubt;
    if (like_a_placeholder(text, len))
        return (struct key_doubt){"looks like a placeholder", "put the provider's key here, or remove the entry"};
    if (contains_any(text, len, redacted))
        return (struct key_doubt){"looks redacted", "copy the whole key: the provider shows it once"};
    doubt = odd_character(text, len);
    return doubt.why != NULL ? doubt : odd_end(text, len);
}
