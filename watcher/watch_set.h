/* What must be watched so that no change of a file can go unseen: not the file, whose inode an editor replaces, but
 * the directory of every link and of every name on the way to it, and where something is missing, the nearest parent
 * that exists. The only file that knows libinotifytools.
 *
 *     int error = watch_set_open(&set);               one per process: the library keeps global state
 *     client = watch_client_create(set, tell, home);  one per home
 *     error = watch_client_update(client, paths, n);  call it again whenever something changed
 *     ... poll watch_set_fd(set) ...
 *     watch_set_drain(set, apart);                    calls tell(home, news) for those that it concerns
 */
#ifndef HERMES_WATCH_SET_H
#define HERMES_WATCH_SET_H

#include <stdbool.h>
#include <stddef.h>

struct watch_set;
struct watch_client;

int watch_set_open(struct watch_set **ret) __attribute__((warn_unused_result));
/* The clients that are left go with it. */
void watch_set_close(struct watch_set *set);
int watch_set_fd(const struct watch_set *set);

enum watch_news {
    WATCH_NOTHING, /* nothing that matters */
    WATCH_APART,   /* only entries of the names that were asked for apart */
    WATCH_CHANGE,  /* a watched path may have changed; so an overflowed queue and a lost watch mean it */
};

/* Must not destroy a client. */
typedef void watch_tell(void *owner, enum watch_news news);

/* Never NULL: memory that cannot be had ends the program. */
struct watch_client *watch_client_create(struct watch_set *set, watch_tell *tell, void *owner);
/* NULL is fine. */
void watch_client_destroy(struct watch_client *client);
/* PATHS are absolute; one whose last name is "*" means every entry of its directory. 0, or a negative errno when some directory cannot be watched (the others are). Costs what PATHS
 * cost, whatever other clients want. */
int watch_client_update(struct watch_client *client, const char *const *paths, size_t count);

/* Reads all events that are waiting, without ever blocking, and then tells each client that they concern, once.
 * APART ends with NULL. */
void watch_set_drain(struct watch_set *set, const char *const *apart);

#endif
