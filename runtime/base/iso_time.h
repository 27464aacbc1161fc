/* Moments as the snapshot and the state of the watcher write them. */
#ifndef HERMES_ISO_TIME_H
#define HERMES_ISO_TIME_H

#include <time.h>

struct arena;

/* "2026-11-25T14:00:00.000Z" */
const char *iso_time(struct arena *arena, struct timespec when);
/* The same of this moment. */
const char *iso_time_now(struct arena *arena);

#endif
