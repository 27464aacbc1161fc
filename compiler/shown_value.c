#include "shown_value.h"

#include <string.h>

#include "fingerprint.h"
#include "known_variables.h"
#include "secret_names.h"
#include "vocabulary.h"

enum { SHORTEST_KEY_MATERIAL = 16 };

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

bool name_showable(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    if (strcasestr(name, "sk-") != NULL)
        return false;
    while (*name != '\0') {
        size_t run = strspn(name, letters);
        if (key_material(name, run) || (run == 0 && ((unsigned char)*name < 0x20 || *name == 0x7F)))
            return false;
        name += run > 0 ? run : 1;
    }
    return true;
}

const char *shown_name(struct arena *arena, const char *name)
{
    return name_showable(name) ? name : arena_strdup(arena, fingerprint_of(name, strlen(name)).text);
}

static bool may_show(const char *name, const char *text, size_t len)
{
    if (name_is_secret(name) || variable_secret(name, strlen(name)))
        return false;
    if (name_is_url(name))
        return strpbrk(text, "@?#") == NULL && name_showable(text);
    return vocabulary_has(text, len);
}

const char *shown_value(struct arena *arena, const char *name, const char *text, size_t len)
{
    return may_show(name, text, len) ? arena_strndup(arena, text, len)
                                     : arena_strdup(arena, fingerprint_of(text, len).text);
}
