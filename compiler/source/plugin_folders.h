/* The folders of Hermes's provider plugins in a home: each may bring a provider that no table knows. */
#ifndef HERMES_PLUGIN_FOLDERS_H
#define HERMES_PLUGIN_FOLDERS_H

#include "text.h"

/* Their names, NULL behind the last; NULL when there are none. */
const char *const *plugin_folders(struct arena *arena, const char *home);

#endif
