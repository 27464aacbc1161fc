/* The memory of cooldowns (cooldown.h) as a file of the home. */
#ifndef HERMES_COOLDOWN_FILE_H
#define HERMES_COOLDOWN_FILE_H

#include "cooldown.h"
#include "diagnostic.h"
#include "must_check.h"
#include "text.h"

/* Adds what the file at PATH remembers, and its bytes to BEFORE. False, with a diagnostic, when it cannot be read at
 * this moment: then it must not be written anew, or it would be forgotten. */
bool cooldown_file_read(struct cooldowns *cooldowns, const char *path, struct text *before,
                        struct diagnostics *diagnostics) MUST_CHECK;

#endif
