/* Who disagrees with the sources: every place where Hermes, or a person at a shell, may get a key from that no file of
 * the home names. Values are compared and wiped, only fingerprints leave.
 *
 * Nothing here blocks: what the user's systemd is asked has MANAGER_PATIENCE_MS to answer. */
#ifndef HERMES_DRIFT_H
#define HERMES_DRIFT_H

#include <sys/types.h>

#include "compile.h"
#include "departed.h"

struct finding {
    const char *where;    /* "this shell", "process 1234 (Hermes)", "~/.bashrc:12" */
    const char *variable; /* NULL: not about a variable */
    const char *found;    /* fingerprint, or NULL: not to be known without running something */
    const char *expected; /* fingerprint of what the sources say; NULL: they do not set it */
    bool matters;         /* somebody uses it now, or will */
    const char *message;
    const char *help; /* the command that mends it */
};

/* A NAME=value that some place gives to whoever starts from there. */
struct assignment {
    const char *where;
    const char *name;
    const char *value; /* NULL: the place computes it */
    size_t len;
    /* The commands that mend it, with `{}` for the name: when no source sets it, and when one says otherwise. */
    const char *move;
    const char *drop;
};

struct assignments {
    struct assignment *items;
    size_t count;
    size_t capacity;
};

struct drift {
    struct arena *arena;
    const struct compilation *c;
    const char *home;      /* the Hermes home */
    const char *user_home; /* $HOME, or "" */
    const char *const *shell;
    struct assignments manager; /* the environment of the user's systemd */
    struct departures departed;
    struct finding *items;
    size_t count;
    size_t capacity;
};

/* All of them: the snapshot, the pool, hermes-watch, processes, units, the user's systemd, the shell, start-up files.
 * C was compiled without `write`. SHELL: environ of the caller; NULL: it is hermes-watch, which knows how it fares. */
struct drift drift_find(const struct compilation *c, const char *home, const char *const *shell);

void drift_print(const struct drift *drift, FILE *stream);
/* `"findings":[...]`, inside an object that is open. */
void drift_json(struct text *out, const struct drift *drift);

/* --- for the files that look --- */

void drift_add(struct drift *drift, struct finding finding);
/* A variable that decides which key goes out, or where to. */
bool drift_watched(const struct drift *drift, const char *name);
/* A finding when it names a key or a URL of a provider and the sources say otherwise. */
void drift_assignment(struct drift *drift, const struct assignment *assignment);
void drift_assignments_add(struct arena *arena, struct assignments *all, struct assignment assignment);
/* The home that a program works for which is started with these: HERMES_HOME, else ~/.hermes of its HOME. NULL values:
 * not set. A HOME without a .hermes says nothing. */
bool drift_this_home(const struct drift *drift, const char *hermes_home, const char *user_home);

/* Processes that run Hermes for this home. */
void drift_processes(struct drift *drift);
/* Environment=, EnvironmentFile= and PassEnvironment= of hermes-gateway units of the user's and the system's instance. */
void drift_units(struct drift *drift);
/* Start-up files of shells and sessions. */
void drift_startup_files(struct drift *drift);
/* What one file of either kind says, whose TEXT of LEN bytes ends in a NUL. SHELL: only what is exported counts. */
void drift_startup_text(struct drift *drift, const char *path, const char *text, size_t len, bool shell);
void drift_unit_text(struct drift *drift, const char *path, const char *text, size_t len);
/* hermes-watch: whether it runs, how it fares, and whether it is as new as its file and its unit. */
void drift_watcher(struct drift *drift);
/* Asks the user's systemd for its environment, and takes the answer into DRIFT->manager. */
enum { MANAGER_PATIENCE_MS = 250 };
struct drift_manager_question {
    int fd; /* -1: nobody was asked */
    pid_t child;
    long long asked_ms;
};
struct drift_manager_question drift_manager_ask(void);
void drift_manager_answer(struct drift *drift, struct drift_manager_question *question);

/* Paths of unit files UNIT (a glob) as systemd finds them, the strongest folder first: the user's instance or the
 * system's. "" ends the list. */
const char *const *unit_folders(struct arena *arena, const char *user_home, bool user);

#endif
