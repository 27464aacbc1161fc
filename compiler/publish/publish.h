/* The last two stages: the snapshot, then the pool, each replaced atomically and durably. Both are made durable before
 * either becomes visible, so that readers of the two see them change together. */
#ifndef HERMES_PUBLISH_H
#define HERMES_PUBLISH_H

#include <sys/stat.h>

#include "cooldown.h"
#include "provider.h"
#include "replace.h"
#include "source.h"
#include "text.h"

struct publish_input {
    const char *home;
    struct text *content; /* of the new snapshot, given back once it is written; NULL: the one in force is right */
    long long generation; /* the new one */
    struct source *pool;  /* auth.json; it is read again under its lock */
    const struct providers *providers;
    bool fleet;        /* the home belongs to one: what that knows of keys counts */
    bool memory_later; /* publish_memory follows, under the same lock */
    int lock_wait_ms;  /* how long auth.lock is waited for; 0: it is not, and nothing is said of it */
};

struct publication {
    bool failed;               /* something could not be written; a diagnostic says what */
    bool published;            /* a new snapshot was written */
    struct stat snapshot_stat; /* as it was written, so that its next change can be told from that */
    bool projected;            /* auth.json was written */
    struct stat pool_stat;     /* auth.json as it was written or read */
    bool pool_waiting;     /* auth.lock is held by another process: the snapshot stands, the pool is still to be done */
    struct text pool_plan; /* what differs in the pool, a line each; bytes is NULL when nothing does */
    struct cooldowns cooldowns; /* what the pool and the memory say now; only of a preview */
    struct piece memory;        /* for publish_memory */
    struct stat memory_before;  /* of the file that it replaces; all zero: there was none */
    int displaced[3];           /* descriptors of the files that were replaced */
    size_t displaced_count;
};

struct publication publish(struct arena *arena, const struct publish_input *input, struct diagnostics *diagnostics);
/* What the outcome need not wait for, because each compile notes it anew: the rest of the memory. The compile's lock
 * was let go and is held again; where another compile has written a memory since, that one stays. */
void publish_memory(const struct publication *publication, const char *home);
/* What projecting would change, without lock and writing. ONLY_CHECK: for diagnostics and cooldowns alone. */
struct publication publish_preview(struct arena *arena, const struct publish_input *input, bool only_check,
                                   struct diagnostics *diagnostics);

#endif
