/* How a value of a configuration or a variable may be shown: as it stands only when it cannot hold a key. */
#ifndef HERMES_SHOWN_H
#define HERMES_SHOWN_H

#include <stdbool.h>

#include <stddef.h>

#include "arena.h"

/* What is shown of TEXT in its place: its fingerprint, or, where it is so short that it could be found out from that,
 * nothing. */
const char *shown_secret(struct arena *arena, const char *text, size_t len);

/* TEXT that stands under NAME: itself when it is made of known words, or is a URL without user, query or fragment;
 * "(empty)"; else what is shown of a secret. */
const char *shown_value(struct arena *arena, const char *name, const char *text, size_t len);

/* The same for TEXT at PATH of a configuration, whose last name is NAME: names of models and providers and words that
 * the schema knows stand as they are, too, where nothing in them may be a key. */
const char *shown_leaf(struct arena *arena, const char *path, const char *name, const char *text, size_t len);

/* NAME (of a setting, a variable, a provider, or a URL) itself, or its fingerprint where it may be a key
 * (plain_name.h). */
const char *shown_name(struct arena *arena, const char *name);

#endif
