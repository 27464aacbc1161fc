/* hermes-watch --install and --uninstall: the user's own unit for this very program, and the systemctl commands around
 * it, each shown as it is run. Doing either twice changes nothing. */
#ifndef HERMES_INSTALL_H
#define HERMES_INSTALL_H

#include "arena.h"
#include "must_check.h"

#include <stdbool.h>

struct install {
    const char *const *homes;
    size_t home_count;
    const char *managed; /* the managed directory, when it is not the usual one; else NULL */
    bool profiles;
    bool quiet;
    bool now; /* start it, too */
};

/* False, and why on standard error. Where no user manager runs, the unit is written and the commands are only shown. */
bool install_unit(struct arena *arena, const struct install *what) MUST_CHECK;
bool install_undo(struct arena *arena) MUST_CHECK;

#endif
