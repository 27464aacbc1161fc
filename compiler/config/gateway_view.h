/* The configuration as Hermes's gateway sees it: the user's file under the managed one, normalised, with `${VAR}`
 * replaced from the env files and from what stands at the root of config.yaml itself: the gateway hands these scalars
 * to its environment, where the name is free. Built-in defaults are not part of it. */
#ifndef HERMES_GATEWAY_VIEW_H
#define HERMES_GATEWAY_VIEW_H

#include "arena.h"
#include "environment.h"
#include "must_check.h"
#include "node.h"

struct gateway_view_input {
    const struct node *user;         /* NULL or a map */
    const struct node *managed;      /* NULL or a map */
    struct environment *environment; /* the root's scalars are added to it */
    const char *const *shell;        /* names of the caller's variables, for notes; may be NULL */
    bool no_env;                     /* there is no env file at all: an unset variable is never an error */
};

/* Never NULL: an empty map at least. Pure; the input trees are not changed. */
struct node *gateway_view(struct arena *arena, const struct gateway_view_input *input,
                          struct diagnostics *diagnostics) MUST_CHECK;

#endif
