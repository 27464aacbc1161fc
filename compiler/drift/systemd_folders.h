/* Where systemd looks for units. */
#ifndef HERMES_SYSTEMD_FOLDERS_H
#define HERMES_SYSTEMD_FOLDERS_H

#include <stdbool.h>

#include "arena.h"

/* Folders, the strongest folder first: the user's instance or the
 * system's. "" ends the list. */
const char *const *systemd_folders(struct arena *arena, const char *user_home, bool user);

#endif
