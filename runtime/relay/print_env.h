/* `hermes-relay --print-env`: the lines that point a client, or Hermes itself, at the relay. */
#ifndef HERMES_PRINT_ENV_H
#define HERMES_PRINT_ENV_H

/* For a relay that listens at WHERE (`ADDR:PORT` or `unix:PATH`), for `eval` in a shell. The token itself is not in
 * them: they read it. Returns an exit status. */
int print_env(const char *home, const char *where);

#endif
