/* One compile of one home: read -> parse -> check -> resolve -> plan -> publish -> project.
 *
 *     struct compilation c;
 *     compile_home(&c, &(struct compile_request){.home = "/home/u/.hermes", .managed = "/etc/hermes", .write = true});
 *     ... look at c.outcome, print c.diagnostics ...
 *     compilation_finish(&c);
 */
#ifndef HERMES_COMPILE_H
#define HERMES_COMPILE_H

#include "compilation.h"
#include "proof.h"

struct compile_request {
    const char *home;       /* absolute */
    const char *managed;    /* the managed directory; need not exist */
    const char *label_base; /* sources are shown relative to this folder when they lie in it; NULL: to the home */
    struct arena *arena;    /* NULL, or an empty one of the caller's: cleared by it, instead of compilation_finish */
    struct hermes **reader; /* where the caller keeps a reader of the home between compiles, or NULL; both may be */
    bool only_check;        /* for the diagnostics alone: the plan is left out */
    bool name_leaves;       /* the plan names each leaf of the configuration that differs */
    /* Files that were named one by one (sources.h). */
    struct {
        const char *config;
        const char *env;
        const struct text *config_text;
        bool named;
    } files;
    const struct fleet_revision *fleet; /* instead of the home's copy of the fleet's: may it be taken? Or NULL */
    bool write;                         /* publish and project; otherwise nothing is written, nothing is locked */
    const unsigned char *rules; /* an enum diagnostic_rule for each code, before hermes_watch.diagnostics; or NULL */
    bool all;                   /* every diagnostic is kept */
    bool strict;                /* a warning keeps it from being published, as an error does */
    bool hold_vanished; /* HELD: a source that had content in the last snapshot is empty or gone; needs `reader` */
    bool hold_empty;    /* HELD, with a diagnostic: it is empty and nobody has said that it is meant; likewise */
    const struct emptied *confirmed; /* what was held back so; one that changed since is meant. Or NULL */
    struct proofs *proofs;           /* with `write`: what is known of new keys; NULL: they need no proof */
    /* A source for which nobody may wait here, as its file system may never answer: BUSY. NULL: each is waited for. */
    bool (*hangs)(void *owner, const char *path);
    void *owner;
    int read_wait_ms;         /* how long a source that is being written is waited for before BUSY */
    int lock_wait_ms;         /* how long auth.lock is waited for; then pool_waiting is set */
    const char *const *shell; /* environ of the caller, or NULL: only for notes in diagnostics, never a source */
};

void compile_home(struct compilation *compilation, const struct compile_request *request);

/* $HERMES_MANAGED_DIR, else /etc/hermes. */
const char *compile_find_managed(void);

#endif
