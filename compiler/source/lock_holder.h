/* Who stands in the way when a lock cannot be had. */
#ifndef HERMES_LOCK_HOLDER_H
#define HERMES_LOCK_HOLDER_H

#include "diagnostic.h"

/* Adds to D which process holds the lock of the file at PATH, where that can be told. */
void lock_holder_note(struct diagnostics *list, struct diagnostic *d, const char *path);

#endif
