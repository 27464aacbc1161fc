/* What the sources call a key, for plain_name(): whatever else of a source can't be read. */
#ifndef HERMES_LEARN_KEYS_H
#define HERMES_LEARN_KEYS_H

#include <stddef.h>

/* Each value in TEXT (YAML, JSON, or lines of an env file) that stands behind the name of a key. */
void learn_keys(const char *text, size_t len);

#endif
