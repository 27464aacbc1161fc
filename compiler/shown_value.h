/* How a value of a configuration or a variable may be shown: as it stands only when it cannot hold a key. */
#ifndef HERMES_SHOWN_VALUE_H
#define HERMES_SHOWN_VALUE_H

#include "arena.h"

/* TEXT that stands under NAME: itself when it is made of known words, or is a URL without user, query or fragment;
 * else its fingerprint. */
const char *shown_value(struct arena *arena, const char *name, const char *text, size_t len);

#endif
