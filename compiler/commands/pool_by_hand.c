#include "pool_by_hand.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "auth_lock.h"
#include "clock.h"
#include "compile_lock.h"
#include "cooldown_file.h"
#include "home_check.h"
#include "read_source.h"
#include "replace.h"
#include "snapshot_format.h"
#include "write_failed.h"

static bool written_or_said(const char *path, int error, struct diagnostics *diagnostics)
{
    if (error != 0)
        write_failed(diagnostics, path, error, NULL);
    return error == 0;
}

static bool write_both(struct arena *arena, const char *home, const struct source *pool, const char *text,
                       const struct cooldowns *cooldowns, struct diagnostics *diagnostics)
{
    size_t len;
    const char *path = arena_printf(arena, "%s/" COOLDOWNS_FILE, home);
    const char *memory = cooldowns_text(cooldowns, &len);
    return written_or_said(path, replace_file(path, memory, len, 0600), diagnostics) &&
           (text == NULL ||
            written_or_said(pool->path, replace_linked(pool->path, text, strlen(text), pool->mode), diagnostics));
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
    if (!cooldown_file_read(&cooldowns, arena_printf(arena, "%s/" COOLDOWNS_FILE, home), &before, diagnostics))
        return false;
    const char *text = edit.edit(edit.data, pool, &cooldowns, clock_wall(), lines, diagnostics);
    return lines->len == 0 || write_both(arena, home, pool, text, &cooldowns, diagnostics);
}

bool pool_by_hand(struct arena *arena, const char *home, struct pool_edit edit, int lock_wait_ms, struct text *lines,
                  struct diagnostics *diagnostics)
{
    if (!home_check(home, diagnostics))
        return false;
    int compiling = compile_lock(home, lock_wait_ms);
    if (compiling < 0) {
        compile_lock_say(diagnostics, home, compiling);
        return false;
    }
    int lock = auth_lock(home, lock_wait_ms);
    bool done = lock >= 0 && edit_locked(arena, home, edit, lines, diagnostics);
    if (lock >= 0)
        (void)close(lock);
    else if (lock == -EWOULDBLOCK)
        auth_lock_say_held(diagnostics, home, lock_wait_ms, "nothing was changed", "try again when the lock is free");
    else
        write_failed(diagnostics, arena_printf(arena, "%s/auth.lock", home), lock, NULL);
    (void)close(compiling);
    return done;
}
