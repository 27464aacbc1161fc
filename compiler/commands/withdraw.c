#include "withdraw.h"

#include "file_lock.h"
#include "pool.h"
#include "pool_by_hand.h"
#include "pool_document.h"
#include "snapshot_format.h"

/* The pool of a home whose sources have no key at all. */
static const char *without_ours(void *data, struct source *pool, struct cooldowns *cooldowns, double now,
                                struct text *lines, struct diagnostics *diagnostics)
{
    bool *unreadable = data;
    struct arena *arena = diagnostics->arena;
    const struct providers none = {0};
    const struct pool_input input = {.source = pool, .providers = &none, .cooldowns = cooldowns, .now = now};
    *unreadable = pool_document_open(arena, pool, diagnostics).unreadable;
    struct pool_projection projection = pool_project(arena, &input, diagnostics);
    struct text text = {.arena = arena};
    for (size_t i = 0; i < projection.count; i++)
        text_append(&text, projection.pieces[i].bytes, projection.pieces[i].len);
    text_append(lines, projection.changes.bytes, projection.changes.len);
    return text.bytes;
}

bool withdraw_home(struct arena *arena, const char *home, int lock_wait_ms, struct text *lines,
                   struct diagnostics *diagnostics)
{
    bool unreadable = false;
    const char *path = arena_printf(arena, "%s/" WATCH_LOCK_FILE, home);
    if (file_lock_is_held(path)) {
        pid_t watcher = file_lock_holder(path);
        const char *where =
            watcher != 0 ? arena_printf(arena, "process %ld", (long)watcher) : "running in another container";
        struct diagnostic *d = diagnostic_add(diagnostics, CODE_STILL_WATCHED, (struct place){0},
                                              "hermes-watch (%s) would put the entries back", where);
        diagnostic_help(diagnostics, d, "hermes-watch --uninstall, or end it");
        return false;
    }
    return pool_by_hand(arena, home, (struct pool_edit){without_ours, &unreadable}, lock_wait_ms, lines, diagnostics) &&
           !unreadable;
}
