/* Whether a name may be shown: the one rule of all programs for what may be a key. */
#ifndef HERMES_PLAIN_NAME_H
#define HERMES_PLAIN_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "fingerprint.h"

/* NAME (LEN bytes; of a setting, a variable, a provider, a model, or a URL) is what people call things. It is not when
 * a key may have been pasted into it: it has `sk-` in it, or the start that a provider gives its keys (`hf_`, `gsk_`,
 * `AIza`) with something random behind it, or a run of 16 letters and digits mixed, of 20 letters with both cases
 * mixed, of 32 letters, or 32 with hyphens in which letters and digits take turns; or when it, or a part of it between
 * colons or slashes, is a key that this process has read (learned_keys.h). Nor when it is not UTF-8, or has a character
 * that steers a terminal. */
bool plain_name(const char *name, size_t len);

/* The same of a URL: it has no user, query or fragment either, in which a key may stand. */
bool plain_name_url(const char *text, size_t len);

/* NAME itself where it is plain, else its fingerprint, which PRINT has room for. */
const char *plain_name_or_print(const char *name, struct fingerprint *print);

#endif
