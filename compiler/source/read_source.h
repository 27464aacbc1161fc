/* The read stage: one file, safely, with a diagnostic for everything that keeps it from being read. */
#ifndef HERMES_READ_SOURCE_H
#define HERMES_READ_SOURCE_H

#include "arena.h"
#include "diagnostic.h"
#include "source.h"

enum read_outcome {
    READ_OK,      /* there, or simply not there */
    READ_REFUSED, /* a diagnostic says why; its owner has to mend the file */
    READ_FAILED,  /* the machine said no */
    READ_BUSY,    /* somebody is writing it */
};

/* Fills SOURCE (kind, order, path and label are the caller's). Warns about modes that let others in. */
enum read_outcome read_source(struct arena *arena, struct source *source, int wait_ms, struct diagnostics *diagnostics);

/* Whether the file is still what was read into SOURCE; false when that cannot be told without reading it again: a file
 * that changed just before may have changed twice within one tick of the clock. */
bool read_source_is_current(const struct source *source);

/* After READ_FAILED: this user may not read it, and asking again will not help. Otherwise the machine may have had a
 * bad moment. */
bool read_source_denied(const struct source *source);

/* Warns when SOURCE, which holds keys, may be read by everyone. */
void read_source_warn_readable(struct diagnostics *diagnostics, const struct source *source);

#endif
