/* The profiles of a home: each directory <home>/profiles/<id> is a home of its own. They are added to the watcher as
 * they appear, and taken away as they vanish. */
#ifndef HERMES_PROFILES_H
#define HERMES_PROFILES_H

#include "must_check.h"
#include "watcher.h"

struct profiles;

/* WHOLE_PATH: the lines about a profile begin with its whole path, not with its id. NULL where memory is out. */
struct profiles *profiles_create(struct watcher *watcher, const char *home, bool whole_path) MUST_CHECK;
void profiles_destroy(struct profiles *profiles);

#endif
