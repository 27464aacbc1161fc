/* Who disagrees with the sources: every place where Hermes, or a person at a shell, may get a key from that no file of
 * the home names. Values are compared and wiped, only fingerprints leave. */
#ifndef HERMES_DRIFT_H
#define HERMES_DRIFT_H

#include "compile.h"

struct finding {
    const char *where;    /* "this shell", "process 1234 (hermes)", "~/.bashrc:12" */
    const char *variable; /* NULL: not about a variable */
    const char *found;    /* fingerprint, or NULL */
    const char *expected; /* fingerprint of what the sources say; NULL: they do not set it */
    bool matters;         /* somebody uses it now, or will */
    const char *message;
    const char *help;
};

struct drift {
    struct arena *arena;
    const struct compilation *c;
    const char *home;      /* the Hermes home */
    const char *user_home; /* $HOME, or "" */
    struct finding *items;
    size_t count;
    size_t capacity;
};

/* All of them: the snapshot, the pool, hermes-watch, processes, units, the user manager, this shell, start-up files.
 * C was compiled without `write`. */
struct drift drift_find(const struct compilation *c, const char *home, const char *const *shell);

void drift_print(const struct drift *drift, FILE *stream);
/* `"findings":[...]`, inside an object that is open. */
void drift_json(struct text *out, const struct drift *drift);

/* --- for the files that look --- */

void drift_add(struct drift *drift, struct finding finding);
/* `NAME=value` of LEN bytes, at WHERE. A finding when NAME is a key or a URL of a provider and the sources say otherwise.
 * HELP mends it where the sources are right. */
void drift_assignment(struct drift *drift, const char *where, const char *assignment, size_t len, const char *help);

/* Processes that run Hermes for this home. */
void drift_processes(struct drift *drift);
/* Environment=, EnvironmentFile= and PassEnvironment= of hermes-gateway units, and the user manager's environment. */
void drift_units(struct drift *drift);
/* Start-up files of shells and sessions. */
void drift_startup_files(struct drift *drift);

#endif
