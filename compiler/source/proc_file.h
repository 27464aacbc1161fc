/* A process as /proc shows it. */
#ifndef HERMES_PROC_FILE_H
#define HERMES_PROC_FILE_H

#include <sys/types.h>

#include "text.h"

/* "cmdline", "environ" and the like of the process whose folder of /proc is open at PROCESS; what is longer than 256
 * KiB is cut. Never NULL; empty when it cannot be read. */
struct text proc_file_read(struct arena *arena, int process, const char *name);
/* The value of a variable in an "environ", or NULL. */
const char *proc_file_variable(const struct text *variables, const char *name);
/* When PROCESS was running at the latest, seconds since the epoch; 0 when it cannot be told. The kernel rounds the
 * start down to a tick of its clock: the tick counts as part of the start, so that nobody is blamed for what changed
 * within it. */
double proc_file_started(pid_t process);

#endif
