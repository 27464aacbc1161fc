/* From the gateway's view to the keys of every provider: whose key it is, where it stands, in which order keys go out,
 * and what each one shadows. Pure. */
#ifndef HERMES_RESOLVE_H
#define HERMES_RESOLVE_H

#include "arena.h"
#include "provider.h"
#include "custom_provider.h"
#include "environment.h"
#include "node.h"
#include "pool_view.h"

struct resolve_input {
    const struct node *config;        /* what gateway_view made */
    const struct node *user_config;   /* the user's part of it as it was read; NULL: there is none */
    struct custom_providers *customs; /* of it */
    const struct environment *environment;
    const struct pool_view *pool;
    const char *const
        *plugins;         /* folders of Hermes's provider plugins in the home, NULL behind the last; may be NULL */
    bool profile_chooses; /* a profile that reads this pool names no provider */
    bool old_processes;   /* a running Hermes is older than a file that is read at its start */
};

struct providers resolve(struct arena *arena, const struct resolve_input *input, struct diagnostics *diagnostics);

#endif
