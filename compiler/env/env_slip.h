/* What a person meant by a line of an env file that Hermes ignores: other programs' ways to set a variable. */
#ifndef HERMES_ENV_SLIP_H
#define HERMES_ENV_SLIP_H

#include <stdbool.h>
#include <stddef.h>

struct env_slip {
    const char *message;
    const char *help; /* may have one "%s", for the name or else NAME */
    const char *name; /* the variable that was meant, NAME_LEN bytes of the line; NULL when there is none to see */
    size_t name_len;
    size_t at;         /* in bytes of the line */
    size_t characters; /* from there; 0: one */
    bool conflict;     /* a line that Git left */
};

/* LINE has LEN bytes and no line end, and starts where its text does. */
struct env_slip env_slip_find(const char *line, size_t len);

#endif
