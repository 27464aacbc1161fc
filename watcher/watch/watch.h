/* What a watch_set is made of, for the files that are it: index.c (who wants what), walk.c (the ways that
 * lead to a file), queue.c (the kernel's side, and libinotifytools), look.c (what events cannot tell),
 * note.c (who is told), mounts.c (where a file system may not answer), touch.c (asking it) and watch_set.c (what is
 * done with all that).
 *
 * The set is locked in all of them, but not while a file system is asked: a client's update and look may run in a
 * thread of its owner's, one at a time, and wait there for a server that hangs, while the loop goes on with all others.
 * What lies between two questions is found anew. */
#ifndef HERMES_WATCH_H
#define HERMES_WATCH_H

#include "must_check.h"
#include "watch_set.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <time.h>

#define ANY_ENTRY "*" /* as the last name of a path */

/* What a look at a path finds, to be compared with the next look. */
struct mark {
    dev_t device;
    ino_t inode; /* 0: there is nothing */
    mode_t mode;
    off_t size;
    struct timespec modified;
    struct timespec changed;
    int error;  /* there may be something: the file system does not say. 0: it does */
    bool young; /* it changed so lately that another change might leave the same mark */
};

/* NAME, an entry of a directory, matters to CLIENT. */
struct interest {
    char *name;
    struct watch_client *client;
    unsigned round; /* of the client's update that wanted it last */
    bool passage;   /* a directory on the way, whose own watch tells of its move and deletion */
    bool apart;     /* nothing leads over it but to files that CLIENT is told of apart */
    bool unknown;   /* the walk that wanted it last could not see whether there is something */
    bool looked_at;
    struct mark mark; /* what the last look found */
};

/* A directory, or a file of its own, once for all that want something of it. */
struct watch {
    char *path;
    bool file;                  /* then its interests have its own name */
    struct interest *interests; /* sorted by name: an event finds its own among those of a thousand homes */
    size_t count;
    int descriptor;     /* -1: none */
    uint32_t events;    /* what is asked of it */
    int error;          /* why it cannot be watched, a positive errno; 0: it can, or there is nothing */
    const char *remote; /* the file system, where events do not tell everything */
    dev_t device;
    ino_t inode;
    struct watch *next_of_name; /* in the buckets */
    struct watch *next_of_descriptor;
};

enum { BUCKETS = 1024 };

struct watch_mount {
    char *path;
    bool foreign; /* a server answers for it: it may hang, and others write to it */
};

struct watch_mounts {
    struct watch_mount *points;
    size_t count;
    size_t foreign; /* how many of them are */
};

struct watch_set {
    pthread_mutex_t lock;
    int fd;          /* for others to wait on: readable when the queue or the timer is */
    int timer;       /* runs while something is looked at */
    size_t looking;  /* how many clients want that */
    int queue;       /* -1: could not be had yet */
    int error;       /* why not */
    int mounts_fd;   /* /proc/self/mountinfo; -1: there is none */
    int mounts_seen; /* the same, for ourselves: waiting takes the news away */
    struct watch_mounts mounts;
    bool mounts_unread;        /* there was no memory for the news */
    unsigned unclaimed;        /* events of a descriptor that belonged to nothing (yet) */
    struct watch_client *told; /* those that the events of one drain concern */
    struct watch_client *clients;
    struct watch *by_name[BUCKETS];
    struct watch *by_descriptor[BUCKETS];
};

struct watch_client {
    struct watch_set *set;
    struct watch_client *next;
    watch_tell *tell;
    void *owner;
    const char *const *apart;
    struct watch **watches; /* in which it has interests */
    size_t count;
    unsigned round;
    bool foreign;         /* its ways lead over file systems that may not answer: so the last update found */
    bool met;             /* this one has come to one */
    bool waits;           /* this update may wait for them */
    char touching[4096];  /* what it asks a file system about at this moment, and last; "": nothing yet */
    bool stale;           /* what was found when its paths were walked may be another thing now */
    bool looks;           /* something of it must be looked at */
    unsigned saved;       /* how many times: watch_client_saved() */
    bool starved;         /* for want of memory not all of it is watched: it is told so, and updated anew */
    enum watch_news news; /* of this drain */
    struct watch_client *next_told;
};

/* --- who wants what --- */

/* How NAME of a directory matters to a client. */
struct watch_wish {
    const char *name;
    bool file; /* it is the file that is watched, by its own name */
    bool passage;
    bool apart;
    bool unknown;
};
/* It matters to CLIENT from now on. False: there is no memory for that. */
bool watch_want(struct watch_client *client, const char *directory, struct watch_wish wish) MUST_CHECK;
/* Drops what CLIENT wanted before its last round, and watches that nobody wants. */
void watch_sweep(struct watch_client *client);
/* The first interest whose name is not before NAME. */
size_t watch_first_of(const struct watch *watch, const char *name);

/* Walks PATH name by name, link by link, and wants every step. Where it comes to a file system that may not answer, it
 * ends unless CLIENT waits. */
void watch_walk(struct watch_client *client, const char *path);

/* --- asking file systems, unlocked: what is known of the set is to be found anew --- */

int watch_lstat(struct watch_set *set, const char *path, struct stat *ret) MUST_CHECK;
int watch_stat(struct watch_set *set, const char *path, struct stat *ret) MUST_CHECK;
int watch_statfs(struct watch_set *set, const char *path, struct statfs *ret) MUST_CHECK;
bool watch_readable(struct watch_set *set, const char *path) MUST_CHECK;
ssize_t watch_readlink(struct watch_set *set, const char *path, char *target, size_t size) MUST_CHECK;
/* inotify_add_watch */
int watch_add(struct watch_set *set, const char *path, uint32_t events);

void watch_mounts_read(struct watch_set *set);
/* When something was mounted or unmounted since. */
void watch_mounts_refresh(struct watch_set *set);
void watch_mounts_forget(struct watch_mounts *mounts);
/* PATH, without links, lies on a file system whose server may not answer. Asks nobody. */
bool watch_is_foreign(const struct watch_set *set, const char *path);

/* --- the kernel's side --- */

/* Without instances or descriptors left there is no queue; everything is looked at until there is one. */
void watch_queue_open(struct watch_set *set);
void watch_queue_close(void);
/* True: SET's descriptor is readable when FD is. */
bool watch_wait_on(struct watch_set *set, int fd) MUST_CHECK;
/* Watches it, or asks for other events. Where there is nothing any more, the event of the parent says so. */
void watch_start(struct watch_set *set, struct watch *watch);
void watch_stop(struct watch_set *set, struct watch *watch);
/* The kernel ended it by itself. */
void watch_ended(struct watch_set *set, struct watch *watch);
uint32_t watch_events_of(const struct watch *watch);
bool watch_still_there(struct watch_set *set, const struct watch *watch) MUST_CHECK;
/* One inode under two names has one descriptor: the next of its watches AFTER that one; NULL: the first, or none. */
struct watch *watch_with(struct watch_set *set, int descriptor, const struct watch *after) MUST_CHECK;

/* --- what events cannot tell --- */

/* What leads on through a directory that may not be read has a watch of its own, as that directory has in its
 * parent. */
bool watch_must_look(const struct watch *watch, const struct interest *interest);
/* The first look at what will be looked at from now on. True: of something else than names apart events are told
 * from now on, or no more, so that what changed in between is not known. */
bool watch_take_marks(struct watch_client *client) MUST_CHECK;
/* Looks at all of it, and notes what changed. Also tries to watch what could not be watched. */
void watch_look(struct watch_client *client);
/* Whether something of CLIENT is looked at. */
void watch_looks(struct watch_client *client, bool looks);
/* There was no memory: the next look tells CLIENT of a change, so that it tries again. */
void watch_starve(struct watch_client *client);

/* --- what happened --- */

/* WRITTEN: nothing but what a file says is another thing. */
void watch_note(struct watch_client *client, enum watch_news news, bool written);
void watch_note_interest(const struct interest *interest, enum watch_news news, bool written);
/* Each of those that something was noted for, once. */
void watch_tell_all(struct watch_set *set);

#endif
