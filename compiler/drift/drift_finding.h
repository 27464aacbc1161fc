/* What somewhere says of a key, held against the sources: where the looks (drift_looks.h) put what they find. */
#ifndef HERMES_DRIFT_FINDING_H
#define HERMES_DRIFT_FINDING_H

#include "compilation.h"
#include "departed.h"

struct finding {
    const char *where;    /* "this shell", "process 1234 (Hermes)", "~/.bashrc:12" */
    const char *variable; /* NULL: not about a variable */
    const char *found;    /* fingerprint, or NULL: not to be known without running something */
    const char *expected; /* fingerprint of what the sources say; NULL: they do not set it */
    bool matters;         /* somebody uses it now, or will */
    const char *message;
    const char *help;    /* the command that repairs it, or what to do by hand */
    const char *by_hand; /* instead of a command that would take this key over: several places disagree; or NULL */
};

/* A NAME=value that some place gives to whoever starts from there. */
struct assignment {
    const char *where;
    const char *name;
    const char *value; /* NULL: the place computes it */
    size_t len;
    /* With `{}` for the name. Commands that change nothing else and may be run again, or NULL where there is none. */
    const char *print;   /* prints NAME=value */
    const char *drop;    /* removes it there */
    bool stays;          /* it need not be dropped once an env file has it */
    const char *by_hand; /* where there is no command */
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

void drift_add(struct drift *drift, struct finding finding);
/* Once everything was looked at: where places disagree about a key, none of them is taken over by a command. */
void drift_settle(struct drift *drift);
/* A variable that decides which key goes out, or where to. */
bool drift_watched(const struct drift *drift, const char *name);
/* A finding when it names a key or a URL of a provider and the sources say otherwise. */
void drift_assignment(struct drift *drift, const struct assignment *assignment);
void drift_assignments_add(struct arena *arena, struct assignments *all, struct assignment assignment);
/* The home that a program works for which is started with these: HERMES_HOME, else ~/.hermes of its HOME. NULL values:
 * not set. A HOME without a .hermes says nothing. */
bool drift_this_home(const struct drift *drift, const char *hermes_home, const char *user_home);

#endif
