/* What is known of a home, for whoever asks: systemd's status line, compiled/status.json, compiled/metrics.prom. */
#ifndef HERMES_HOME_STATE_H
#define HERMES_HOME_STATE_H

#include "compile.h"
#include "drift.h"
#include "must_check.h"
#include "watch_set.h"

enum condition {
    HOME_OK,
    HOME_INVALID,  /* the sources are; the last good generation stays */
    HOME_HELD,     /* config.yaml is empty or gone for a moment */
    HOME_WAITING,  /* for auth.lock, a file system, another watcher: the pool still has the old keys */
    HOME_DEGRADED, /* in force, but an edit may not be seen, or only by looking: limits, a file mounted alone */
    HOME_FAILED,   /* reading or writing failed, of auth.json among others */
    HOME_ABSENT,   /* there is no home */
};

/* Texts are the state's own, but for the first two. */
struct home_state {
    const char *home;  /* its absolute path */
    const char *label; /* what it is called among others */
    pid_t process;     /* that watches it: not of a thread apart, which has a number of its own */
    enum condition condition;
    char *status; /* what systemd gets of it; NULL: not looked at yet */
    long long generation;
    struct timespec last_compile; /* that came to a result; zero: none */
    struct timespec last_success;
    struct timespec last_look; /* at drift; zero: none */
    size_t providers;
    size_t errors;
    size_t warnings;
    char *diagnostics; /* `"errors":...,"warnings":...,"diagnostics":[...]`; NULL: none */
    char *findings;    /* of drift, `[...]`; NULL: nobody has looked yet */
    size_t finding_count;
    size_t matters; /* findings that matter now */
    char *polling;  /* what is looked at instead of watched, `[...]`; NULL: nothing */
    bool limited;   /* ... because of a limit of this machine */
    bool alone;     /* a source is mounted alone, so that no edit arrives any more */
    bool undone;    /* another program keeps changing back what is ours in auth.json */
    bool due;       /* it is about to be compiled: the loop has not come to it yet */
    bool reloading; /* a reload waits for it */
};

/* "ok", "invalid", ... as status.json has it. */
const char *home_state_name(enum condition condition);
/* The sources as they are now are not in force, or will not stay so. */
bool home_state_is_trouble(const struct home_state *state);

/* With texts of its own, for another thread. False: there is no memory for them. */
bool home_state_copy(const struct home_state *state, struct home_state *ret) MUST_CHECK;
void home_state_finish(struct home_state *state);
/* What follows changes all of what it says or, where memory runs out, fails as memory.h has it. */
/* True when systemd should hear of it, because the line is another one. */
bool home_state_say(struct home_state *state, enum condition condition, const char *status) MUST_CHECK;
/* What C came to. */
void home_state_learn(struct home_state *state, const struct compilation *c);
/* True when the findings are other ones than last time. */
bool home_state_learn_drift(struct home_state *state, const struct drift *drift) MUST_CHECK;
/* Likewise of what cannot be watched; COUNT may be more than ROOM, which is how many GAPS are known. */
bool home_state_learn_gaps(struct home_state *state, struct arena *arena, const struct watch_gap *gaps, size_t count,
                           size_t room) MUST_CHECK;

#endif
