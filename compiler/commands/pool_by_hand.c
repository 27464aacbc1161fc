#include "pool_by_hand.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "file_lock.h"
#include "home_check.h"
#include "publish.h"
#include "read_source.h"
#include "replace.h"
#include "snapshot_format.h"

static bool write_failed(struct diagnostics *diagnostics, const char *path, int error)
{
    struct diagnostic *d = diagnostic_add(diagnostics, SEVERITY_ERROR, "write-failed", (struct place){0},
                                          "%s cannot be written: %s", path, strerror(-error));
    const char *help = home_check_take_back(diagnostics->arena, path);
    if (help != NULL)
        diagnostic_help(diagnostics, d, "%s", help);
    return false;
}

static bool write_both(struct arena *arena, const char *home, const struct source *pool, const char *text,
                       const struct cooldowns *cooldowns, struct diagnostics *diagnostics)
{
    size_t len;
    const char *path = arena_printf(arena, "%s/" COOLDOWNS_FILE, home);
    const char *memory = cooldowns_text(cooldowns, &len);
    int error = replace_file(path, memory, len, 0600);
    if (error != 0)
        return write_failed(diagnostics, path, error);
    error = text == NULL ? 0 : replace_file(pool->path, text, strlen(text), pool->mode);
    return error == 0 || write_failed(diagnostics, pool->path, error);
}

static bool edit_locked(struct arena *arena, const char *home, struct pool_edit edit, struct text *lines,
                        struct diagnostics *diagnostics)
{
    struct source *pool = arena_alloc(arena, sizeof *pool); /* diagnostics name it, when this function is long done */
    *pool =
        (struct source){.kind = SOURCE_POOL, .label = "auth.json", .path = arena_printf(arena, "%s/auth.json", home)};
    struct cooldowns cooldowns = {.arena = arena};
    struct text before = {.arena = arena};
    if (read_source(arena, pool, 1000, diagnostics) != READ_OK)
        return false;
    if (!publish_load_cooldowns(&cooldowns, arena_printf(arena, "%s/" COOLDOWNS_FILE, home), &before, diagnostics))
        return false;
    const char *text = edit.edit(edit.data, pool, &cooldowns, (double)time(NULL), lines, diagnostics);
    return lines->len == 0 || write_both(arena, home, pool, text, &cooldowns, diagnostics);
}

bool pool_by_hand(struct arena *arena, const char *home, struct pool_edit edit, int lock_wait_ms, struct text *lines,
                  struct diagnostics *diagnostics)
{
    const char *path = arena_printf(arena, "%s/auth.lock", home);
    if (!home_check(home, diagnostics))
        return false;
    int compiling = publish_lock(home, lock_wait_ms);
    if (compiling < 0) {
        publish_say_unlocked(diagnostics, home, compiling);
        return false;
    }
    int lock = file_lock(path, lock_wait_ms);
    bool done = lock >= 0 && edit_locked(arena, home, edit, lines, diagnostics);
    if (lock >= 0)
        (void)close(lock);
    else if (lock == -EWOULDBLOCK)
        publish_say_pool_locked(diagnostics, path, lock_wait_ms, "nothing was changed",
                                "try again when the lock is free");
    else
        (void)write_failed(diagnostics, path, lock);
    (void)close(compiling);
    return done;
}
