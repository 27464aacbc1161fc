/* --check with files on its command line, as pre-commit passes them. */
#ifndef HERMES_CHECK_FILES_H
#define HERMES_CHECK_FILES_H

#include "compile.h"

struct file_checks {
    struct compilation *items; /* one for each folder and configuration; sources of the diagnostics live in them */
    size_t count;
    struct diagnostics all;
    enum compile_outcome outcome; /* the worst */
};

/* A file called *.yaml or *.yml is a config.yaml, any other an env file; `-` is a config.yaml on standard input. A
 * config.yaml is checked with the env file that is named from the same folder, else with the .env there (standard
 * input: of HOME, which need not exist). Nothing is written. RULES and
 * ALL as in compile.h. */
struct file_checks check_files(struct arena *arena, char *const *files, int count, const char *home, int read_wait_ms,
                               const unsigned char *rules, bool all);
void check_files_finish(struct file_checks *checks);

#endif
