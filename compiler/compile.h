/* One compile of one home: read -> parse -> check -> resolve -> plan -> publish -> project.
 *
 *     struct compilation c;
 *     compile_home(&c, &(struct compile_request){.home = "/home/u/.hermes", .managed = "/etc/hermes", .write = true});
 *     ... look at c.outcome, print c.diagnostics ...
 *     compilation_finish(&c);
 */
#ifndef HERMES_COMPILE_H
#define HERMES_COMPILE_H

#include "cooldown.h"
#include "provider.h"
#include "custom_provider.h"
#include "diagnostic.h"
#include "dotenv.h"
#include "hermes_runtime.h"
#include "node.h"
#include "plan.h"
#include "probe.h"
#include "proof.h"
#include "source.h"
#include "watch_settings.h"

#include <sys/stat.h>

struct compile_request {
    const char *home;       /* absolute */
    const char *managed;    /* the managed directory; need not exist */
    const char *label_base; /* sources are shown relative to this folder when they lie in it; NULL: to the home */
    struct arena *arena;    /* NULL, or an empty one of the caller's: cleared by it, instead of compilation_finish */
    struct hermes *
        *reader;      /* NULL, or where the caller keeps a reader of the home between compiles; it may hold NULL */
    bool only_check;  /* for the diagnostics alone: the plan is left out */
    bool name_leaves; /* the plan names each leaf of the configuration that differs */
    /* Files that were named one by one, which need not lie in a home: nothing is asked of the folder and of the pool,
     * and where there is no env file at all, an unset variable is only a warning. */
    struct {
        const char *config;             /* NULL: the home's config.yaml */
        const char *env;                /* NULL: the home's .env */
        const struct text *config_text; /* instead of a file */
        bool named;
    } files;
    bool write;            /* publish and project; otherwise nothing is written, nothing is locked */
    bool strict;           /* a warning keeps it from being published, as an error does */
    bool hold_empty;       /* HELD: a source that had content in the last snapshot is empty or gone; needs `reader` */
    struct proofs *proofs; /* with `write`: what is known of new keys; NULL: they need no proof */
    int read_wait_ms;      /* how long a source that is being written is waited for before BUSY */
    int lock_wait_ms;      /* how long auth.lock is waited for; then pool_waiting is set */
    const char *const *shell; /* environ of the caller, or NULL: only for notes in diagnostics, never a source */
};

enum compile_outcome {
    COMPILE_VALID,    /* the sources are good; with `write`, snapshot (and pool, unless waiting) are in force */
    COMPILE_INVALID,  /* an error (strict: or a warning) is in the diagnostics; nothing was written */
    COMPILE_FAILED,   /* reading or writing failed (permissions, disk, owner); a diagnostic says what */
    COMPILE_BUSY,     /* a source is being written at this moment; try again when it is closed */
    COMPILE_HELD,     /* see hold_empty; nothing was written */
    COMPILE_UNPROVEN, /* require_probe: `unproven` is to be asked first (proof.h); nothing was written */
};

enum { COMPILE_MAX_SOURCES = 64 };

struct compilation {
    struct arena *arena;
    enum compile_outcome outcome;
    struct diagnostics diagnostics;

    struct source *sources[COMPILE_MAX_SOURCES]; /* all that were looked for, present or not; auth.json is the last */
    size_t source_count;
    const struct source *busy; /* which is being written; NULL with COMPILE_BUSY: another compile of this home runs */
    struct watch_settings settings;

    const struct node *user_config;    /* the user's file alone, as it is written; NULL: none */
    const struct node *managed_config; /* likewise */
    struct node *config;               /* the gateway's view */
    struct custom_providers customs;
    struct environment environment;
    struct providers providers;
    struct plan plan;      /* what differs from the previous snapshot */
    struct text pool_plan; /* what differs in the pool, a line each; bytes is NULL when nothing does */

    struct probes unproven; /* new keys that nobody was asked about yet */

    struct cooldowns cooldowns; /* what the pool and the memory say now; only without `write` */
    bool published;             /* a new snapshot was written */
    struct stat
        snapshot_stat;     /* the snapshot as it was written or read, so that its next change can be told from that */
    bool projected;        /* auth.json was written */
    struct stat pool_stat; /* auth.json, likewise */
    bool pool_waiting;     /* auth.lock is held by somebody else: the snapshot stands, the pool is still to be done */
    long long generation;  /* in force after this compile; 0: none */

    const char *home;
    int lock;         /* compile.lock, let go: for compilation_tidy; -1: it has nothing to remove */
    int displaced[3]; /* descriptors of the files that were replaced */
    size_t displaced_count;
};

void compile_home(struct compilation *compilation, const struct compile_request *request);
/* What the outcome need not wait for: frees the files that were replaced, and, for a caller with a `reader`, removes what
 * killed compiles left. */
void compilation_tidy(struct compilation *compilation);
/* That, if nobody did it, and the memory. */
void compilation_finish(struct compilation *compilation);

/* $HERMES_MANAGED_DIR, else /etc/hermes. */
const char *compile_find_managed(void);

#endif
