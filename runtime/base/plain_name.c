#include "plain_name.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "learned_keys.h"
#include "utf8.h"

enum {
    SHORTEST_KEY_MATERIAL = 16,
    SHORTEST_KEY_TAIL = 12,
    SHORTEST_KEY_IN_PIECES = 32,
    SHORTEST_MIXED_LETTERS = 20,
    LONGEST_WORD = 31,
};

/* Letters and digits mixed, and no NAME_OF_A_VARIABLE_2. */
static bool key_material(const char *run, size_t len)
{
    bool digit = false;
    bool letter = false;
    bool lower = false;
    bool low_line = false;
    for (size_t i = 0; i < len; i++) {
        digit = digit || (run[i] >= '0' && run[i] <= '9');
        lower = lower || (run[i] >= 'a' && run[i] <= 'z');
        letter = letter || lower || (run[i] >= 'A' && run[i] <= 'Z');
        low_line = low_line || run[i] == '_';
    }
    return len >= SHORTEST_KEY_MATERIAL && digit && letter && (lower || !low_line);
}

static size_t run_length(const char *text, size_t len)
{
    size_t run = 0;
    while (run < len && ((text[run] >= 'a' && text[run] <= 'z') || (text[run] >= 'A' && text[run] <= 'Z') ||
                         (text[run] >= '0' && text[run] <= '9') || text[run] == '_'))
        run++;
    return run;
}

/* `sk-`, with which most keys start, at AT of NAME. Behind a letter it may be the end of a word, as in `task-two`: then
 * the rest decides. */
static bool key_start(const char *name, size_t len, size_t at)
{
    if (len - at < 4 || strncasecmp(name + at, "sk-", 3) != 0)
        return false;
    if (at == 0 || run_length(name + at - 1, 1) == 0)
        return true;
    bool digit = false;
    size_t tail = at + 3;
    for (; tail < len && (name[tail] == '-' || run_length(name + tail, 1) == 1); tail++)
        digit = digit || (name[tail] >= '0' && name[tail] <= '9');
    return digit && tail - at - 3 >= SHORTEST_KEY_TAIL;
}

/* Letters without a break: too many for a word, or a quarter of them in either case, as CamelCase never has. */
static bool random_letters(const char *run, size_t len)
{
    size_t upper = 0;
    size_t letters = 0;
    while (letters < len && isalpha((unsigned char)run[letters]))
        upper += isupper((unsigned char)run[letters++]) != 0;
    bool mixed = upper * 4 >= letters && (letters - upper) * 4 >= letters;
    return letters > LONGEST_WORD || (letters >= SHORTEST_MIXED_LETTERS && mixed);
}

/* What the rest of a key with a well-known start looks like: `hf_` is a key's, and that of `hf_my_provider`, too. */
static bool random_tail(const char *tail, size_t len)
{
    bool digit = false;
    bool upper = false;
    bool lower = false;
    size_t letters = 0;
    size_t longest = 0;
    for (size_t i = 0; i < len; i++) {
        digit = digit || isdigit((unsigned char)tail[i]);
        upper = upper || isupper((unsigned char)tail[i]);
        lower = lower || islower((unsigned char)tail[i]);
        letters = isalpha((unsigned char)tail[i]) ? letters + 1 : 0;
        longest = letters > longest ? letters : longest;
    }
    return len >= SHORTEST_KEY_TAIL && (digit || (upper && lower) || longest >= SHORTEST_MIXED_LETTERS);
}

/* A start that a provider gives its keys, at the start TOKEN of a word of LEN bytes. */
static bool known_start(const char *token, size_t len)
{
    static const char *const starts[] = {"hf_",    "gsk_", "xai-",    "sk_",  "pk_",   "rk_",    "ghp_",       "gho_",
                                         "ghu_",   "ghs_", "AIza",    "r8_",  "pplx-", "nvapi-", "xoxb-",      "xoxp-",
                                         "glpat-", "fw_",  "tgp_v1_", "csk-", "AKIA",  "eyJ",    "github_pat_"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        size_t start = len > 0 && *starts[i] == *token ? strlen(starts[i]) : len;
        if (len > start && strncmp(token, starts[i], start) == 0 && random_tail(token + start, len - start))
            return true;
    }
    return false;
}

/* Letters and digits take turns: `9tSrke72Pou`, not `Llama3`. */
static bool random_piece(const char *piece, size_t len)
{
    size_t turns = 0;
    for (size_t i = 1; i < len; i++)
        turns += (isdigit((unsigned char)piece[i - 1]) && isalpha((unsigned char)piece[i])) ||
                 (isalpha((unsigned char)piece[i - 1]) && isdigit((unsigned char)piece[i]));
    return turns >= 3;
}

/* The URL-safe form of base64 has hyphens, which part its letters and digits into short runs; so has a UUID. */
static bool key_in_pieces(const char *token, size_t len)
{
    if (len < SHORTEST_KEY_IN_PIECES)
        return false;
    for (size_t i = 0, run; i < len; i += run + 1) {
        run = run_length(token + i, len - i);
        if (random_piece(token + i, run))
            return true;
    }
    return false;
}

static size_t token_length(const char *text, size_t len)
{
    size_t token = 0;
    while (token < len && (text[token] == '-' || run_length(text + token, 1) == 1))
        token++;
    return token;
}

static bool separates(char c, bool dots)
{
    switch (c) {
    case ':':
    case '/':
    case '?':
    case '#':
    case '&':
    case '=':
    case '@':
    case ' ':
        return true;
    default:
        return dots && c == '.';
    }
}

static bool part_is_learned(const char *name, size_t len, bool dots)
{
    for (size_t i = 0, part; i < len; i += part + 1) {
        part = 0;
        while (i + part < len && !separates(name[i + part], dots))
            part++;
        if (learned_keys_has(name + i, part))
            return true;
    }
    return false;
}

/* NAME, or a part of it: what follows `custom:`, a segment of a URL's path, a label of its host. */
static bool has_learned_key(const char *name, size_t len)
{
    return len >= LEARNED_KEYS_SHORTEST &&
           (learned_keys_has(name, len) || part_is_learned(name, len, false) || part_is_learned(name, len, true));
}

bool plain_name(const char *name, size_t len)
{
    if (utf8_valid(name, len) < len || has_learned_key(name, len))
        return false;
    for (size_t i = 0; i < len; i++)
        if (key_start(name, len, i))
            return false;
    for (size_t i = 0, run; i<len; i += run> 0 ? run : 1) {
        run = run_length(name + i, len - i);
        if (utf8_steers(name + i, len - i) > 0 || key_material(name + i, run))
            return false;
    }
    for (size_t i = 0; i < len; i++) {
        bool starts_word = i == 0 || !isalpha((unsigned char)name[i - 1]);
        if (starts_word && random_letters(name + i, len - i))
            return false;
    }
    for (size_t i = 0, token; i < len; i += token + 1) {
        token = token_length(name + i, len - i);
        if (key_in_pieces(name + i, token) || known_start(name + i, token))
            return false;
    }
    return true;
}

bool plain_name_url(const char *text, size_t len)
{
    return memmem(text, len, "://", 3) != NULL && memchr(text, '@', len) == NULL && memchr(text, '?', len) == NULL &&
           memchr(text, '#', len) == NULL && plain_name(text, len);
}

const char *plain_name_or_print(const char *name, struct fingerprint *print)
{
    if (plain_name(name, strlen(name)))
        return name;
    *print = fingerprint_of(name, strlen(name));
    return print->text;
}
