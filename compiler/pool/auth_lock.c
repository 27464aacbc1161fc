#include "auth_lock.h"

#include <errno.h>
#include <limits.h>

#include "arena.h"
#include "file_lock.h"
#include "lock_holder.h"

int auth_lock(const char *home, int wait_ms)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/auth.lock", home) >= (int)sizeof path)
        return -ENAMETOOLONG;
    return file_lock(path, wait_ms);
}

void auth_lock_say_held(struct diagnostics *list, const char *home, int waited_ms, const char *what, const char *help)
{
    struct diagnostic *d = diagnostic_add(list, CODE_POOL_LOCKED, (struct place){0},
                                          "auth.lock was held by another process for %d ms: %s", waited_ms, what);
    lock_holder_note(list, d, arena_printf(list->arena, "%s/auth.lock", home));
    diagnostic_help(list, d, "%s", help);
}
