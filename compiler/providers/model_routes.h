/* platforms.api_server.extra.model_routes: Hermes's API server reads their keys and URLs when it starts, and not again.
 * Each of these settings is called by its path. */
#ifndef HERMES_MODEL_ROUTES_H
#define HERMES_MODEL_ROUTES_H

#include <stdbool.h>

#include "arena.h"
#include "node.h"

#define MODEL_ROUTES "platforms.api_server.extra.model_routes"

/* The members of a route that decide where a request goes, and with which key; NULL-terminated. */
extern const char *const model_routes_members[];

/* The path of MEMBER of the route ALIAS, which is not shown where it may be a key. */
const char *model_routes_path(struct arena *arena, const char *alias, const char *member);
bool model_routes_are(const char *path);
/* NULL: there are none. */
const struct node *model_routes_of(const struct node *config);
/* What stands at PATH of ROUTES; "": nothing. */
const char *model_routes_value(struct arena *arena, const struct node *routes, const char *path);

#endif
