/* What is said of a file that cannot be written. */
#ifndef HERMES_WRITE_FAILED_H
#define HERMES_WRITE_FAILED_H

#include "diagnostic.h"

/* ERROR: a negative errno. MEANING: what that leaves as it was, or NULL. */
void write_failed(struct diagnostics *list, const char *path, int error, const char *meaning);

#endif
