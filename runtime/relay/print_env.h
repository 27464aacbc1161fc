/* The lines that point a client, or Hermes itself, at the relay: what `hermes-relay --print-env` prints, and what the
 * status page shows. */
#ifndef HERMES_PRINT_ENV_H
#define HERMES_PRINT_ENV_H

#include <stdbool.h>

#include "must_check.h"

struct bytes;
struct hermes_view;

/* For a relay that listens at WHERE (`ADDR:PORT` or `unix:PATH`), for `eval` in a shell: a pair of variables for each
 * dialect that some provider of VIEW has. The token itself is not in them: they read it. VIEW NULL: there is no
 * snapshot yet. False: no memory. */
bool print_env_text(const struct hermes_view *view, const char *home, const char *where, struct bytes *out) MUST_CHECK;

/* Prints them. Returns an exit status. */
int print_env(const char *home, const char *where) MUST_CHECK;

#endif
