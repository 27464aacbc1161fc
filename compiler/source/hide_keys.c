#include "hide_keys.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "fingerprint.h"
#include "learned_keys.h"
#include "text.h"

enum { LONGEST_KEY = 256 };

/* Of what a key may have: letters, digits, hyphens, underscores, and DOTS. */
static size_t word_length(const char *text, bool dots)
{
    size_t len = 0;
    while (len <= LONGEST_KEY &&
           (isalnum((unsigned char)text[len]) || text[len] == '-' || text[len] == '_' || (dots && text[len] == '.')))
        len++;
    return len;
}

/* The length of the key that TEXT begins with; 0: none. A dot may be a part of it, or stand between two names. */
static size_t key_length(const char *text)
{
    size_t dotted = word_length(text, true);
    while (dotted > 0 && text[dotted - 1] == '.') /* of the sentence */
        dotted--;
    size_t plain = word_length(text, false);
    return learned_keys_has(text, dotted) ? dotted : learned_keys_has(text, plain) ? plain : 0;
}

/* TEXT itself where there is nothing to hide. NULL stays NULL. */
static const char *hidden(struct arena *arena, const char *text)
{
    struct text out = {.arena = arena};
    const char *shown = text; /* up to there it has been copied */
    for (const char *at = text; at != NULL && *at != '\0';) {
        size_t key = key_length(at);
        if (key > 0) {
            text_append(&out, shown, (size_t)(at - shown));
            text_puts(&out, fingerprint_of(at, key).text);
            shown = at + key;
        }
        size_t word = key > 0 ? key : word_length(at, false);
        at += word > 0 ? word : 1;
    }
    if (shown == text)
        return text;
    text_puts(&out, shown);
    return out.bytes;
}

void hide_keys(struct diagnostics *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct diagnostic *d = list->items[i];
        d->message = hidden(list->arena, d->message);
        d->note = hidden(list->arena, d->note);
        d->help = hidden(list->arena, d->help);
    }
}
