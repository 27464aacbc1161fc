/* Reads the entries of others in a pool, for the resolver. */
#ifndef HERMES_POOL_READ_H
#define HERMES_POOL_READ_H

#include "custom_provider.h"
#include "must_check.h"
#include "pool_view.h"
#include "source.h"

/* What auth.json holds, without pools of custom providers that are none of CUSTOMS. An absent source: an empty view. */
struct pool_view pool_read(struct arena *arena, struct source *source, const struct custom_providers *customs,
                           struct diagnostics *diagnostics);

/* Where a profile has no entry of a provider, Hermes reads those of the root's auth.json: adds them. */
void pool_read_inherited(struct arena *arena, struct pool_view *view, struct source *root,
                         const struct custom_providers *customs, struct diagnostics *diagnostics);

/* Some entry is of this program. */
bool pool_read_has_ours(struct arena *arena, struct source *source) MUST_CHECK;

#endif
