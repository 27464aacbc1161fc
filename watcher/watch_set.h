/* What must be watched so that no change of a file can go unseen: not the file, whose inode an editor replaces, but
 * the directory of every link and of every name on the way to it, and where something is missing, the nearest parent
 * that exists. The only room that knows libinotifytools.
 *
 *     int error = watch_set_open(&set);           one per process: the library keeps global state
 *     error = watch_set_update(set, paths, n);    call it again whenever something changed
 *     ... poll watch_set_fd(set) ...
 *     if (watch_set_drain(set, apart) == WATCH_CHANGE) look_at_everything_again();
 */
#ifndef HERMES_WATCH_SET_H
#define HERMES_WATCH_SET_H

#include <stdbool.h>
#include <stddef.h>

struct watch_set;

int watch_set_open(struct watch_set **ret) __attribute__((warn_unused_result));
void watch_set_close(struct watch_set *set);
int watch_set_fd(const struct watch_set *set);

/* PATHS are absolute. 0, or a negative errno when some directory cannot be watched (the others are). */
int watch_set_update(struct watch_set *set, const char *const *paths, size_t count);

enum watch_news {
    WATCH_NOTHING, /* nothing that matters */
    WATCH_APART,   /* only entries of the names that were asked for apart */
    WATCH_CHANGE,  /* a watched path may have changed; so an overflowed queue and a lost watch mean it */
};

/* Reads all events that are waiting, without ever blocking. APART ends with NULL. */
enum watch_news watch_set_drain(struct watch_set *set, const char *const *apart);

#endif
