/* Keys of the sources in words about them: what was said of one source before another one gave the key away. */
#ifndef HERMES_HIDE_KEYS_H
#define HERMES_HIDE_KEYS_H

#include "diagnostic.h"

/* In all that LIST says, the fingerprint stands for each word that is a key which this process has read. */
void hide_keys(struct diagnostics *list);

#endif
