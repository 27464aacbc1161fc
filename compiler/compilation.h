/* What one compile of one home has made, stage by stage. */
#ifndef HERMES_COMPILATION_H
#define HERMES_COMPILATION_H

#include "custom_provider.h"
#include "plan.h"
#include "probe.h"
#include "publish.h"
#include "sources.h"
#include "watch_settings.h"

enum compile_outcome {
    COMPILE_VALID,    /* the sources are good; with `write`, snapshot (and pool, unless waiting) are in force */
    COMPILE_INVALID,  /* an error (strict: or a warning) is in the diagnostics; nothing was written */
    COMPILE_FAILED,   /* reading or writing failed (permissions, disk, owner); a diagnostic says what */
    COMPILE_BUSY,     /* a source is being written at this moment; try again when it is closed */
    COMPILE_HELD,     /* see hold_empty; nothing was written */
    COMPILE_UNPROVEN, /* require_probe: `unproven` is to be asked first (proof.h); nothing was written */
};

/* Sources that are held back because they are empty, or that were, and are so still although somebody has said that it
 * is meant. */
enum { EMPTIED_MOST = 4 };
struct emptied {
    size_t count;
    struct emptied_source {
        size_t order; /* of the source */
        ino_t inode;
        struct timespec modified;
    } items[EMPTIED_MOST];
};

struct compilation {
    struct arena *arena;
    enum compile_outcome outcome;
    struct diagnostics diagnostics;
    const char *home;

    struct sources sources; /* read, parse */
    struct emptied emptied;
    const char
        *held; /* COMPILE_HELD: a source that is held back until somebody says that it is meant; NULL: what is held
                         is so for a moment only */
    struct environment environment; /* parse; the root of config.yaml adds to it */
    struct node *config;            /* resolve: the gateway's view */
    struct watch_settings settings;
    struct custom_providers customs;
    struct providers providers;
    struct plan plan;               /* what differs from the previous snapshot */
    struct probes unproven;         /* new keys that nobody was asked about yet */
    struct publication publication; /* publish, project; or what they would do */
    long long generation;           /* in force after this compile; 0: none */

    int lock; /* compile.lock, let go: for compilation_tidy; -1: it has nothing to remove */
};

/* Removes what killed processes have left behind while they published in HOME. Its lock is held. */
void compilation_clean(const char *home);
/* What the outcome need not wait for: frees the files that were replaced, and, for a caller with a `reader`, writes the
 * rest of the memory and removes what killed compiles left. */
void compilation_tidy(struct compilation *compilation);
/* That, if it was not done yet, and the memory. */
void compilation_finish(struct compilation *compilation);

#endif
