/* The words that cannot be a key: names of configuration entries, providers and variables. What a diagnostic shows of a
 * source line is made of these; everything else in it is masked. */
#ifndef HERMES_VOCABULARY_H
#define HERMES_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>

bool vocabulary_has(const char *word, size_t len);

#endif
