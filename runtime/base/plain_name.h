/* Whether a name may be shown: the one rule of all programs for what may be a key. */
#ifndef HERMES_PLAIN_NAME_H
#define HERMES_PLAIN_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* NAME (LEN bytes; of a setting, a variable, a provider, a model, or a URL) is what people call things. It is not when
 * a key may have been pasted into it: it has `sk-` in it, or the start that a provider gives its keys (`hf_`, `gsk_`,
 * `AIza`) with something random behind it, or a run of 16 letters and digits mixed, of 20 letters with both cases
 * mixed, of 32 letters, or 32 with hyphens in which letters and digits take turns. Nor when it is not UTF-8, or has a
 * character that steers a terminal. */
bool plain_name(const char *name, size_t len);

#endif
