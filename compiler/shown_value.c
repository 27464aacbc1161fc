#include "shown_value.h"

#include <stdbool.h>
#include <string.h>

#include "fingerprint.h"
#include "known_variables.h"
#include "secret_names.h"
#include "vocabulary.h"

static bool may_show(const char *name, const char *text, size_t len)
{
    if (name_is_secret(name) || variable_secret(name, strlen(name)))
        return false;
    if (name_is_url(name))
        return strpbrk(text, "@?#") == NULL;
    return vocabulary_has(text, len);
}

const char *shown_value(struct arena *arena, const char *name, const char *text, size_t len)
{
    return may_show(name, text, len) ? arena_strndup(arena, text, len)
                                     : arena_strdup(arena, fingerprint_of(text, len).text);
}
