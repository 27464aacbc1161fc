/* The keys that this process has read, where their form does not give them away: by them plain_name() knows one that
 * was pasted where a name belongs. What is kept of a key is a short hash. */
#ifndef HERMES_LEARNED_KEYS_H
#define HERMES_LEARNED_KEYS_H

#include <stdbool.h>
#include <stddef.h>

/* Shorter are the words that local servers ask for (`ollama`). */
enum { LEARNED_KEYS_SHORTEST = 16 };

/* Keeps the LEN bytes of KEY in mind. Not what is shorter than that, nor the name of a variable, which may stand where
 * its value was meant. May be called from any thread. */
void learned_keys_add(const char *key, size_t len);

/* Whether TEXT is one of them, in any case of its letters: ids of providers are in lower case. */
bool learned_keys_has(const char *text, size_t len);

#endif
