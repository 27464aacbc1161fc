/* Hermes's second reader of env files (its load_env): where it reads another value than the gateway's start does, a
 * user should know before `/reload` tells. */
#ifndef HERMES_LOAD_ENV_H
#define HERMES_LOAD_ENV_H

#include "text.h"
#include "environment.h"

/* Where a line of the sanitised text starts, there and in the file. */
struct env_line {
    size_t at;
    uint32_t line;
    uint32_t column;
};

/* Warns about each variable of SOURCE, as dotenv_load has read it into ENVIRONMENT, that load_env reads otherwise, or
 * that it alone reads, and notes its value in `seeded`. TEXT, with LINES: what the sanitiser makes of the file; both readers start from it. Pure. */
void load_env_compare(const struct source *source, const struct text *text, const struct env_line *lines,
                      struct environment *environment, struct diagnostics *diagnostics);

#endif
