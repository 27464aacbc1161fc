/* What must be watched so that no change of a file can go unseen: the directory of every link and of every name on the
 * way to it (an editor replaces the file), the file itself (it may be written through another name), and where
 * something is missing, the nearest parent that exists. What cannot be watched is looked at.
 *
 *     int error = watch_set_open(&set);                      one per process: the library keeps global state
 *     client = watch_client_create(set, apart, tell, home);  one per home
 *     watch_client_update(client, paths, n);                 call it again whenever something changed
 *     ... poll watch_set_fd(set) for POLLIN ...
 *     watch_set_drain(set);                                  calls tell(home, news) for those that it concerns
 *     ... poll watch_set_mounts_fd(set) for POLLPRI ...
 *     watch_set_remounted(set);                              likewise
 */
#ifndef HERMES_WATCH_SET_H
#define HERMES_WATCH_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "must_check.h"

struct watch_set;
struct watch_client;

int watch_set_open(struct watch_set **ret) MUST_CHECK;
/* The clients that are left go with it. */
void watch_set_close(struct watch_set *set);
int watch_set_fd(const struct watch_set *set) MUST_CHECK;
/* Says when file systems are mounted and unmounted, of which no event tells; -1 where there is no /proc. */
int watch_set_mounts_fd(const struct watch_set *set) MUST_CHECK;

enum { WATCH_LOOK_SECONDS = 1 };

enum watch_news {
    WATCH_NOTHING, /* nothing that matters */
    WATCH_LOOK,    /* nothing yet: it is time for watch_client_look(), in a thread that may wait */
    WATCH_APART,   /* only what leads to the names that were asked for apart */
    WATCH_WRITING, /* a source is being written, or something is gone: that may not be finished */
    WATCH_CHANGE,  /* a watched path may have changed; so an overflowed queue and a lost watch mean it */
};

/* Must not destroy a client. */
typedef void watch_tell(void *owner, enum watch_news news);

/* APART, the last names of the paths that are told of apart, links to elsewhere included, ends with NULL and
 * outlives the client; it may be NULL. NULL: there is no memory. */
struct watch_client *watch_client_create(struct watch_set *set, const char *const *apart, watch_tell *tell,
                                         void *owner) MUST_CHECK;
/* NULL is fine. */
void watch_client_destroy(struct watch_client *client);
/* PATHS are absolute; one whose last name is "*" means every entry of its directory. Call it before they are read.
 * Costs what PATHS cost, whatever other clients want. True: more than the names apart may be another one than before,
 * of which nothing else will ever tell.
 *
 * WAIT: also where a file system may not answer for a long time, because its server hangs. Otherwise nothing is done
 * when PATHS lead over one: watch_client_is_foreign() says so, and it is to be called again from a thread. A client has
 * one caller at a time.
 *
 * Where memory is out, CLIENT stays stale, and is told of a change after WATCH_LOOK_SECONDS. */
bool watch_client_update(struct watch_client *client, const char *const *paths, size_t count, bool wait);
bool watch_client_is_foreign(const struct watch_client *client);
/* Tells CLIENT of a change after WATCH_LOOK_SECONDS, whose owner could not do what the last one asked for. It is to be
 * updated then. Needs no memory. */
void watch_client_remind(struct watch_client *client);
/* Looks at what cannot be watched; for a foreign client in a thread. watch_set_tell() then tells of it in the loop. */
void watch_client_look(struct watch_client *client);
void watch_set_tell(struct watch_set *set);
/* The path that a file system was asked about last, for CLIENT; "" before the first one. */
void watch_client_touching(const struct watch_client *client, char *path, size_t size);

/* How many times a file of CLIENT's was closed by a writer or put into its place, as far as events have told: twice
 * between two readings, and what stood there in between is not known. Not of the names apart. */
unsigned watch_client_saved(const struct watch_client *client);

/* Something that was found when CLIENT's paths were walked may be another one now: it is to be updated before they are
 * read. Not so when a watched file was merely written. Also true before the first update. */
bool watch_client_is_stale(const struct watch_client *client);

/* What cannot be watched, because limits are reached, a directory may not be read or other machines write to it.
 * Exactly that is looked at every WATCH_LOOK_SECONDS, until it can be watched. */
struct watch_gap {
    const char *path;
    const char *why;
    bool limit; /* a limit of this machine, which can be raised; not the nature of the file system */
};
/* How many there are; the first ROOM of them in GAPS, which live until the client's next call. */
size_t watch_client_gaps(const struct watch_client *client, struct watch_gap *gaps, size_t room);

/* Looks, when it is time to, and reads all events that are waiting, without ever blocking, and then tells each
 * client that they concern, once. */
void watch_set_drain(struct watch_set *set);
void watch_set_remounted(struct watch_set *set);

#endif
