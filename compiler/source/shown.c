#include "shown.h"

#include <string.h>

#include "config_schema.h"
#include "fingerprint.h"
#include "known_variables.h"
#include "plain_name.h"
#include "setting_name.h"
#include "vocabulary.h"

const char *shown_name(struct arena *arena, const char *name)
{
    struct fingerprint print;
    const char *shown = plain_name_or_print(name, &print);
    return shown == name ? name : arena_strdup(arena, shown);
}

static bool may_show(const char *name, const char *text, size_t len)
{
    if (setting_name_is_secret(name) || known_variables_secret(name, strlen(name)))
        return false;
    if (setting_name_is_url(name))
        return plain_name_url(text, len);
    return vocabulary_has(text, len);
}

/* Whoever has the hash of a PIN has the PIN after a second. What begins as keys do is none. */
enum { SHORTEST_HASHED = 16 };

const char *shown_secret(struct arena *arena, const char *text, size_t len)
{
    bool guessed = len < SHORTEST_HASHED && strncmp(text, "sk-", 3) != 0;
    return guessed ? "(not shown)" : arena_strdup(arena, fingerprint_of(text, len).text);
}

const char *shown_value(struct arena *arena, const char *name, const char *text, size_t len)
{
    if (len == 0)
        return "(empty)"; /* a fingerprint of nothing would look like a key's */
    return may_show(name, text, len) ? arena_strndup(arena, text, len) : shown_secret(arena, text, len);
}

enum { LONGEST_PLAIN = 64 };

#define PLAIN_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:/"

/* The name of a model or provider, or one of a few words, and nothing in it that may be a key. */
static bool plain_leaf(const char *path, const char *name, const char *text, size_t len)
{
    const struct config_rule *rule = config_schema_find(path);
    bool model = strcmp(name, "model") == 0 || strcmp(path, "model.default") == 0;
    return rule != NULL && (model || (rule->flags & CONFIG_PROVIDER) != 0 || rule->choices != NULL) && len > 0 &&
           len <= LONGEST_PLAIN && strspn(text, PLAIN_LETTERS) == len && plain_name(text, len);
}

const char *shown_leaf(struct arena *arena, const char *path, const char *name, const char *text, size_t len)
{
    return plain_leaf(path, name, text, len) ? arena_strndup(arena, text, len) : shown_value(arena, name, text, len);
}
