/* What was found in libinotifytools 3.22.6 (its source was read, and tried), and how it is lived with. The library
 * opens the queue and closes it; watches are put into that queue and events are read from it here, because of these:
 * - It has no getter for its descriptor and opens it without CLOEXEC: it is found by its name in /proc/self/fd.
 * - inotifytools_next_event blocks, for whole seconds or for ever; it waits for a full event in a loop that turns.
 * - A watch that the kernel itself took away (its directory or file was deleted, its disk unmounted) cannot be taken
 * out of the library: inotifytools_remove_watch_by_wd fails, prints a line to standard error and keeps the record. A
 * file that editors replace would leave one record for each save.
 * - The record that was left keeps its name: when a directory is deleted and made again, inotifytools_wd_from_filename
 *   answers with the old descriptor, on which nothing will ever happen.
 * - One inode under two names (a bind mount, a hard link) has one descriptor in the kernel, but the library keeps two
 *   records, of which it can find and remove one.
 * - After a directory was moved, the library's name for it is the old one.
 * - inotifytools_get_max_queued_events reads a file that does not exist.
 * An overflowed queue has also lost what would have told of lost watches: all of them are set anew. */
#include "watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <inotifytools/inotifytools.h>

#include "remote_file_system.h"

/* Of a directory: what can mean "finished". IN_MODIFY cannot; IN_CREATE is how links and directories appear. Of one
 * that only leads to another, like /home: its own move and deletion; what else goes on in it must wake nobody. Of a
 * file: what is done to it through another name (a hard link, the other end of a bind mount), and IN_MODIFY,
 * because truncate(2) gives no other event. */
enum {
    PASSAGE_EVENTS = IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR,
    DIRECTORY_EVENTS =
        PASSAGE_EVENTS | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB,
    FILE_EVENTS = IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB,
};

static int find_descriptor(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int found = -1;
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        char target[64] = "";
        if (readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1) > 0 &&
            strcmp(target, "anon_inode:inotify") == 0)
            found = atoi(entry->d_name);
    }
    if (directory != NULL)
        (void)closedir(directory);
    return found;
}

bool watch_wait_on(struct watch_set *set, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(set->fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

void watch_queue_open(struct watch_set *set)
{
    if (!inotifytools_initialize()) {
        int error = errno;
        set->error = inotifytools_error() > 0 ? inotifytools_error() : error; /* before 3.20, -1 is all that it says */
        return;
    }
    set->queue = find_descriptor();
    if (set->queue >= 0 && fcntl(set->queue, F_SETFD, FD_CLOEXEC) == 0 && fcntl(set->queue, F_SETFL, O_NONBLOCK) == 0 &&
        watch_wait_on(set, set->queue))
        return;
    set->error = EMFILE;
    set->queue = -1;
    inotifytools_cleanup();
}

void watch_queue_close(void)
{
    inotifytools_cleanup();
}

static struct watch **bucket_of_descriptor(struct watch_set *set, int descriptor)
{
    return &set->by_descriptor[(unsigned)descriptor % BUCKETS];
}

static void link_descriptor(struct watch_set *set, struct watch *watch, int descriptor)
{
    struct watch **bucket = bucket_of_descriptor(set, descriptor);
    watch->descriptor = descriptor;
    watch->next_of_descriptor = *bucket;
    *bucket = watch;
}

struct watch *watch_with(struct watch_set *set, int descriptor, const struct watch *after)
{
    struct watch *watch = after != NULL ? after->next_of_descriptor : *bucket_of_descriptor(set, descriptor);
    while (watch != NULL && watch->descriptor != descriptor)
        watch = watch->next_of_descriptor;
    return watch;
}

void watch_ended(struct watch_set *set, struct watch *watch)
{
    struct watch **at = bucket_of_descriptor(set, watch->descriptor);
    while (*at != NULL && *at != watch)
        at = &(*at)->next_of_descriptor;
    if (*at != NULL)
        *at = watch->next_of_descriptor;
    watch->descriptor = -1;
}

void watch_stop(struct watch_set *set, struct watch *watch)
{
    int descriptor = watch->descriptor;
    if (descriptor < 0)
        return;
    watch_ended(set, watch);
    if (watch_with(set, descriptor, NULL) == NULL)
        (void)inotify_rm_watch(set->queue, descriptor);
}

bool watch_still_there(struct watch_set *set, const struct watch *watch)
{
    struct stat st;
    return watch->descriptor >= 0 && watch_stat(set, watch->path, &st) == 0 && st.st_dev == watch->device &&
           st.st_ino == watch->inode;
}

uint32_t watch_events_of(const struct watch *watch)
{
    uint32_t events = watch->file ? FILE_EVENTS : PASSAGE_EVENTS;
    for (size_t i = 0; !watch->file && i < watch->count; i++)
        if (!watch->interests[i].passage)
            events = DIRECTORY_EVENTS;
    return events;
}

/* What the others ask of its inode is added. */
static void add_what_others_ask(struct watch_set *set, const struct watch *watch)
{
    uint32_t events = 0;
    for (const struct watch *other = NULL; (other = watch_with(set, watch->descriptor, other)) != NULL;)
        events |= other == watch ? 0 : other->events;
    if ((events & ~watch->events) != 0)
        (void)watch_add(set, watch->path, events | IN_MASK_ADD);
}

/* What happened between the kernel's watch and ours is known to nobody, its end among it. */
static void note_unclaimed(const struct watch_set *set, const struct watch *watch, unsigned before)
{
    for (size_t i = 0; set->unclaimed != before && i < watch->count; i++)
        watch_note(watch->interests[i].client, WATCH_CHANGE, false);
}

void watch_start(struct watch_set *set, struct watch *watch)
{
    struct stat st;
    struct statfs fs;
    const unsigned unclaimed = set->unclaimed;
    watch->error = 0;
    watch->remote = NULL;
    if (watch_stat(set, watch->path, &st) < 0) {
        watch->error = errno == ENOENT || errno == ENOTDIR ? 0 : errno;
        return;
    }
    watch->file = S_ISREG(st.st_mode);
    watch->remote = watch_statfs(set, watch->path, &fs) == 0 ? remote_file_system(&fs) : NULL;
    int descriptor;
    do {
        watch->events = watch_events_of(watch);
        descriptor = set->queue < 0 ? -1 : watch_add(set, watch->path, watch->events);
    } while (descriptor >= 0 && watch->events != watch_events_of(watch)); /* somebody wants more by now */
    if (descriptor < 0) {
        int error = set->queue < 0 ? set->error : errno;
        watch->error = error == ENOENT || error == ENOTDIR ? 0 : error;
        watch_stop(set, watch);
        return;
    }
    if (descriptor != watch->descriptor) {
        watch_stop(set, watch);
        link_descriptor(set, watch, descriptor);
    }
    watch->device = st.st_dev;
    watch->inode = st.st_ino;
    add_what_others_ask(set, watch);
    note_unclaimed(set, watch, unclaimed);
}
