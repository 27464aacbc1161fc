/* What was found in libinotifytools 3.22.6 (its source was read, and tried), and how it is lived with. The library opens
 * the queue and closes it; watches are put into that queue and events are read from it here, because of these:
 * - It has no getter for its descriptor and opens it without CLOEXEC: it is found by its name in /proc/self/fd.
 * - inotifytools_next_event blocks, for whole seconds or for ever; it waits for a full event in a loop that turns.
 * - A watch that the kernel itself took away (its directory or file was deleted, its disk unmounted) cannot be taken out
 *   of the library: inotifytools_remove_watch_by_wd fails, prints a line to standard error and keeps the record. A file
 *   that editors replace would leave one record for each save.
 * - The record that was left keeps its name: when a directory is deleted and made again, inotifytools_wd_from_filename
 *   answers with the old descriptor, on which nothing will ever happen.
 * - One inode under two names (a bind mount, a hard link) has one descriptor in the kernel, but the library keeps two
 *   records, of which it can find and remove one.
 * - After a directory was moved, the library's name for it is the old one.
 * - inotifytools_get_max_queued_events reads a file that does not exist.
 * An overflowed queue has also lost what would have told of lost watches: all of them are set anew. */
#include "watch_set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <inotifytools/inotifytools.h>

#include "remote_file_system.h"

/* Of a directory: what can mean "finished". IN_MODIFY cannot; IN_CREATE is how links and directories appear. Of one that
 * only leads to another, like /home: its own move and deletion; what else goes on in it must wake nobody. Of a file:
 * what is done to it through another name (a hard link, the other end of a bind mount), and IN_MODIFY, because
 * truncate(2) gives no other event. */
enum {
    PASSAGE_EVENTS = IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR,
    DIRECTORY_EVENTS =
        PASSAGE_EVENTS | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB,
    FILE_EVENTS = IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB,
    GONE = IN_UNMOUNT | IN_IGNORED,
    SELF_EVENTS = IN_DELETE_SELF | IN_MOVE_SELF | GONE,
    MAX_LINKS = 40,
    MAX_WALKS = 8,
};

#define ANY_ENTRY "*" /* as the last name of a path */
/* What a look at a path finds, to be compared with the next look. */
struct mark {
    dev_t device;
    ino_t inode; /* 0: there is nothing */
    mode_t mode;
    off_t size;
    struct timespec modified;
    struct timespec changed;
};

/* NAME, an entry of a directory, matters to CLIENT. */
struct interest {
    char *name;
    struct watch_client *client;
    unsigned round; /* of the client's update that wanted it last */
    bool passage;   /* a directory on the way, whose own watch tells of its move and deletion */
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

struct watch_set {
    int fd;                    /* for others to wait on: readable when the queue or the timer is */
    int timer;                 /* runs while something is looked at */
    size_t looking;            /* how many clients want that */
    int queue;                 /* -1: could not be had yet */
    int error;                 /* why not */
    int mounts;                /* /proc/self/mountinfo; -1: there is none */
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
    bool stale;           /* what was found when its paths were walked may be another thing now */
    bool looks;           /* something of it must be looked at */
    enum watch_news news; /* of this drain */
    struct watch_client *next_told;
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

static bool wait_on(struct watch_set *set, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(set->fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* Without instances or descriptors left there is no queue; everything is looked at until there is one. */
static void open_queue(struct watch_set *set)
{
    if (!inotifytools_initialize()) {
        set->error = inotifytools_error();
        return;
    }
    set->queue = find_descriptor();
    if (set->queue >= 0 && fcntl(set->queue, F_SETFD, FD_CLOEXEC) == 0 && fcntl(set->queue, F_SETFL, O_NONBLOCK) == 0 &&
        wait_on(set, set->queue))
        return;
    set->error = EMFILE;
    set->queue = -1;
    inotifytools_cleanup();
}

int watch_set_open(struct watch_set **ret)
{
    struct watch_set *set = calloc(1, sizeof *set);
    if (set == NULL)
        return -ENOMEM;
    set->queue = -1;
    set->fd = epoll_create1(EPOLL_CLOEXEC);
    set->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    set->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (set->fd < 0 || set->timer < 0 || !wait_on(set, set->timer)) {
        int error = -errno;
        watch_set_close(set);
        return error;
    }
    open_queue(set);
    *ret = set;
    return 0;
}

static void *must(void *memory)
{
    if (memory == NULL) {
        (void)fputs("hermes-watch: out of memory\n", stderr);
        _exit(4);
    }
    return memory;
}

/* --- the buckets --- */

static struct watch **bucket_of_name(struct watch_set *set, const char *path)
{
    unsigned hash = 5381;
    for (; *path != '\0'; path++)
        hash = hash * 33 + (unsigned char)*path;
    return &set->by_name[hash % BUCKETS];
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

static void unlink_descriptor(struct watch_set *set, struct watch *watch)
{
    struct watch **at = bucket_of_descriptor(set, watch->descriptor);
    while (*at != NULL && *at != watch)
        at = &(*at)->next_of_descriptor;
    if (*at != NULL)
        *at = watch->next_of_descriptor;
}

static bool shared(struct watch_set *set, const struct watch *watch)
{
    for (const struct watch *other = *bucket_of_descriptor(set, watch->descriptor); other != NULL;
         other = other->next_of_descriptor)
        if (other != watch && other->descriptor == watch->descriptor)
            return true;
    return false;
}

static void stop(struct watch_set *set, struct watch *watch)
{
    if (watch->descriptor < 0)
        return;
    if (!shared(set, watch)) /* one inode under two names has one descriptor */
        (void)inotify_rm_watch(set->queue, watch->descriptor);
    unlink_descriptor(set, watch);
    watch->descriptor = -1;
}

static void forget(struct watch_set *set, struct watch *watch)
{
    struct watch **at = bucket_of_name(set, watch->path);
    stop(set, watch);
    while (*at != watch)
        at = &(*at)->next_of_name;
    *at = watch->next_of_name;
    free(watch->interests);
    free(watch->path);
    free(watch);
}

static struct watch *watch_of(struct watch_set *set, const char *path)
{
    struct watch **bucket = bucket_of_name(set, path);
    for (struct watch *watch = *bucket; watch != NULL; watch = watch->next_of_name)
        if (strcmp(watch->path, path) == 0)
            return watch;
    struct watch *watch = must(calloc(1, sizeof *watch));
    *watch = (struct watch){.path = must(strdup(path)), .descriptor = -1, .next_of_name = *bucket};
    *bucket = watch;
    return watch;
}

/* --- who is interested in what --- */

/* The first interest whose name is not before NAME. */
static size_t first_of(const struct watch *watch, const char *name)
{
    size_t low = 0;
    for (size_t high = watch->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(watch->interests[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void remember(struct watch_client *client, struct watch *watch)
{
    for (size_t i = 0; i < client->count; i++)
        if (client->watches[i] == watch)
            return;
    client->watches = must(realloc(client->watches, (client->count + 1) * sizeof *client->watches));
    client->watches[client->count++] = watch;
}

/* NAME of WATCH matters to CLIENT from now on. */
static void want(struct watch_client *client, struct watch *watch, const char *name, bool passage)
{
    size_t at = first_of(watch, name);
    while (at < watch->count && strcmp(watch->interests[at].name, name) == 0 && watch->interests[at].client != client)
        at++;
    if (at == watch->count || strcmp(watch->interests[at].name, name) != 0) {
        watch->interests = must(realloc(watch->interests, (watch->count + 1) * sizeof *watch->interests));
        memmove(watch->interests + at + 1, watch->interests + at, (watch->count - at) * sizeof *watch->interests);
        watch->interests[at] = (struct interest){.name = must(strdup(name)), .client = client};
        watch->count++;
        remember(client, watch);
    }
    watch->interests[at].round = client->round;
    watch->interests[at].passage = passage;
}

/* Drops what CLIENT wanted before its last round, and watches that nobody wants. */
static void sweep(struct watch_client *client)
{
    size_t left = 0;
    for (size_t i = 0; i < client->count; i++) {
        struct watch *watch = client->watches[i];
        size_t kept = 0;
        bool mine = false;
        for (size_t k = 0; k < watch->count; k++) {
            struct interest interest = watch->interests[k];
            if (interest.client == client && interest.round != client->round) {
                free(interest.name);
                continue;
            }
            mine = mine || interest.client == client;
            watch->interests[kept++] = interest;
        }
        watch->count = kept;
        if (kept == 0)
            forget(client->set, watch);
        else if (mine)
            client->watches[left++] = watch;
    }
    client->count = left;
}

/* No timer runs when there is nothing to look at. */
static void set_looks(struct watch_client *client, bool looks)
{
    struct watch_set *set = client->set;
    bool before = set->looking > 0;
    set->looking += (size_t)looks - (size_t)client->looks;
    client->looks = looks;
    if (before == (set->looking > 0))
        return;
    struct itimerspec every = {0};
    every.it_interval.tv_sec = every.it_value.tv_sec = set->looking > 0 ? WATCH_LOOK_SECONDS : 0;
    (void)timerfd_settime(set->timer, 0, &every, NULL);
}

struct watch_client *watch_client_create(struct watch_set *set, const char *const *apart, watch_tell *tell, void *owner)
{
    struct watch_client *client = must(calloc(1, sizeof *client));
    *client = (struct watch_client){
        .set = set, .next = set->clients, .apart = apart, .tell = tell, .owner = owner, .stale = true};
    set->clients = client;
    return client;
}

void watch_client_destroy(struct watch_client *client)
{
    if (client == NULL)
        return;
    struct watch_client **at = &client->set->clients;
    client->round++;
    sweep(client);
    set_looks(client, false);
    while (*at != client)
        at = &(*at)->next;
    *at = client->next;
    for (at = &client->set->told; *at != NULL && *at != client;) /* another one's news may end this one */
        at = &(*at)->next_told;
    if (*at == client)
        *at = client->next_told;
    free(client->watches);
    free(client);
}

void watch_set_close(struct watch_set *set)
{
    if (set == NULL)
        return;
    while (set->clients != NULL)
        watch_client_destroy(set->clients);
    inotifytools_cleanup();
    const int fds[] = {set->fd, set->timer, set->mounts};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    free(set);
}

int watch_set_fd(const struct watch_set *set)
{
    return set->fd;
}

/* --- the ways that lead to a file --- */

/* Puts the target of the link AT in the place of its name; REST is what follows it. */
static bool follow_link(char path[PATH_MAX], const char *directory, const char *at, const char *rest)
{
    char target[PATH_MAX];
    char joined[PATH_MAX * 2 + 2];
    ssize_t len = readlink(at, target, sizeof target - 1);
    if (len <= 0)
        return false;
    target[len] = '\0';
    int size = snprintf(joined, sizeof joined, "%s%s%s%s%s", target[0] == '/' ? "" : directory,
                        target[0] == '/' ? "" : "/", target, *rest == '\0' ? "" : "/", rest);
    if (size < 0 || size >= PATH_MAX)
        return false;
    memcpy(path, joined, (size_t)size + 1);
    return true;
}

static const char *parent_of(char directory[PATH_MAX])
{
    char *slash = strrchr(directory, '/');
    if (slash == directory)
        slash[1] = '\0';
    else if (slash != NULL)
        *slash = '\0';
    return directory;
}

/* Walks PATH name by name, link by link, and wants every step. */
static void want_path(struct watch_client *client, const char *whole)
{
    char path[PATH_MAX];
    char directory[PATH_MAX] = "/";
    char name[NAME_MAX + 1];
    char at[PATH_MAX + NAME_MAX + 2];
    if (strlen(whole) >= sizeof path)
        return;
    strcpy(path, whole);
    const char *rest = path;
    for (int links = 0; *(rest += strspn(rest, "/")) != '\0';) {
        struct stat st;
        size_t len = strcspn(rest, "/");
        if (len > NAME_MAX)
            return;
        memcpy(name, rest, len);
        name[len] = '\0';
        rest += len;
        rest += strspn(rest, "/");
        if (strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0) {
            (void)parent_of(directory);
            continue;
        }
        (void)snprintf(at, sizeof at, "%s%s%s", directory, directory[1] == '\0' ? "" : "/", name);
        bool there = lstat(at, &st) == 0;
        want(client, watch_of(client->set, directory), name,
             there && S_ISDIR(st.st_mode) && faccessat(AT_FDCWD, at, R_OK, AT_EACCESS) == 0);
        if (!there || strlen(at) >= sizeof directory)
            return;
        if (S_ISREG(st.st_mode)) {
            struct watch *watch = watch_of(client->set, at);
            watch->file = true;
            want(client, watch, name, false);
        }
        if (S_ISLNK(st.st_mode)) {
            char again[PATH_MAX];
            if (++links > MAX_LINKS || !follow_link(again, directory, at, rest))
                return;
            strcpy(path, again);
            strcpy(directory, "/");
            rest = path;
        } else {
            strcpy(directory, at);
        }
    }
}

static bool still_there(const struct watch *watch)
{
    struct stat st;
    return watch->descriptor >= 0 && stat(watch->path, &st) == 0 && st.st_dev == watch->device &&
           st.st_ino == watch->inode;
}

static uint32_t events_of(const struct watch *watch)
{
    uint32_t events = watch->file ? FILE_EVENTS : PASSAGE_EVENTS;
    for (size_t i = 0; !watch->file && i < watch->count; i++)
        if (!watch->interests[i].passage)
            events = DIRECTORY_EVENTS;
    return events;
}

/* One inode under two names has one descriptor: what the others ask of it is added. */
static void add_what_others_ask(struct watch_set *set, const struct watch *watch)
{
    for (const struct watch *other = *bucket_of_descriptor(set, watch->descriptor); other != NULL;
         other = other->next_of_descriptor)
        if (other != watch && other->descriptor == watch->descriptor)
            (void)inotify_add_watch(set->queue, other->path, other->events | IN_MASK_ADD);
}

/* Watches it, or asks for other events. Where there is nothing any more, the event of the parent says so. */
static void start(struct watch_set *set, struct watch *watch)
{
    struct stat st;
    struct statfs fs;
    watch->error = 0;
    watch->remote = NULL;
    if (stat(watch->path, &st) < 0) {
        watch->error = errno == ENOENT || errno == ENOTDIR ? 0 : errno;
        return;
    }
    watch->file = S_ISREG(st.st_mode);
    watch->remote = statfs(watch->path, &fs) == 0 ? remote_file_system(&fs) : NULL;
    watch->events = events_of(watch);
    int descriptor = set->queue < 0 ? -1 : inotify_add_watch(set->queue, watch->path, watch->events);
    if (descriptor < 0) {
        int error = set->queue < 0 ? set->error : errno;
        watch->error = error == ENOENT || error == ENOTDIR ? 0 : error;
        stop(set, watch);
        return;
    }
    if (descriptor != watch->descriptor) {
        stop(set, watch);
        link_descriptor(set, watch, descriptor);
    }
    watch->device = st.st_dev;
    watch->inode = st.st_ino;
    add_what_others_ask(set, watch);
}

/* WRITTEN: nothing but what a file says is another thing. */
static void note(struct watch_client *client, enum watch_news news, bool written)
{
    client->stale = client->stale || !written;
    if (client->news == WATCH_NOTHING) {
        client->next_told = client->set->told;
        client->set->told = client;
    }
    client->news = news > client->news ? news : client->news;
}

/* --- what events cannot tell is looked at --- */

/* What leads on through a directory that may not be read has a watch of its own, as that directory has in its parent. */
static bool must_look(const struct watch *watch, const struct interest *interest)
{
    return watch->remote != NULL || (watch->error != 0 && !(watch->error == EACCES && interest->passage));
}

static struct mark look(const struct watch *watch, const struct interest *interest)
{
    char path[PATH_MAX + NAME_MAX + 2];
    struct stat st;
    bool any = strcmp(interest->name, ANY_ENTRY) == 0;
    bool itself = watch->file || any;
    (void)snprintf(path, sizeof path, "%s%s%s", watch->path, itself ? "" : "/", itself ? "" : interest->name);
    if (lstat(path, &st) < 0)
        return (struct mark){0};
    struct mark mark = {.device = st.st_dev, .inode = st.st_ino, .mode = st.st_mode};
    if (any || !S_ISDIR(st.st_mode)) { /* of a directory on the way only the directory itself matters */
        mark.size = st.st_size;
        mark.modified = st.st_mtim;
        mark.changed = st.st_ctim;
    }
    return mark;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_mark(const struct mark *a, const struct mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->mode == b->mode && a->size == b->size &&
           same_time(a->modified, b->modified) && same_time(a->changed, b->changed);
}

/* The first look at what will be looked at. */
static void take_marks(struct watch_client *client)
{
    bool looks = false;
    for (size_t i = 0; i < client->count; i++) {
        struct watch *watch = client->watches[i];
        for (size_t k = 0; k < watch->count; k++) {
            struct interest *interest = &watch->interests[k];
            if (interest->client != client)
                continue;
            bool before = interest->looked_at;
            interest->looked_at = must_look(watch, interest);
            if (interest->looked_at && !before) /* a change since the last look is still to be told */
                interest->mark = look(watch, interest);
            looks = looks || interest->looked_at;
        }
    }
    set_looks(client, looks);
}

/* The events that tell the others of it may wait in the queue, and will belong to nothing; but the end of the watch is an
 * event, too, so that they are told soon. */
static void give_up(const struct watch_client *client, struct watch *watch)
{
    for (size_t i = 0; watch->descriptor >= 0 && i < watch->count; i++)
        if (watch->interests[i].client != client)
            note(watch->interests[i].client, WATCH_CHANGE, false);
    stop(client->set, watch);
}

/* True: what was found when CLIENT's paths were walked may have changed before it was watched. */
static bool start_all(struct watch_client *client)
{
    bool again = false;
    for (size_t i = 0; i < client->count; i++) {
        struct watch *watch = client->watches[i];
        bool same = watch->descriptor >= 0 && watch->events == events_of(watch);
        if (same)
            continue;
        start(client->set, watch);
        again = again || (watch->descriptor >= 0 && !watch->file);
    }
    return again;
}

void watch_client_update(struct watch_client *client, const char *const *paths, size_t count)
{
    for (size_t i = 0; i < client->count; i++)
        if (!still_there(client->watches[i]))
            give_up(client, client->watches[i]);
    bool again = true;
    client->stale = false;
    for (int walks = 0; again && walks < MAX_WALKS; walks++) {
        client->round++;
        for (size_t i = 0; i < count; i++)
            want_path(client, paths[i]);
        sweep(client);
        again = start_all(client);
    }
    take_marks(client);
}

bool watch_client_is_stale(const struct watch_client *client)
{
    return client->stale;
}

static const char *why(const struct watch *watch)
{
    if (watch->remote != NULL)
        return watch->remote;
    if (watch->error == ENOSPC)
        return "no watch left (fs.inotify.max_user_watches)";
    if (watch->error == EMFILE)
        return "no inotify instance or descriptor left (fs.inotify.max_user_instances, ulimit -n)";
    return strerror(watch->error);
}

size_t watch_client_gaps(const struct watch_client *client, struct watch_gap *gaps, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < client->count; i++) {
        const struct watch *watch = client->watches[i];
        bool looked = false;
        for (size_t k = 0; !looked && k < watch->count; k++)
            looked = watch->interests[k].client == client && must_look(watch, &watch->interests[k]);
        if (looked && count++ < room)
            gaps[count - 1] = (struct watch_gap){watch->path, why(watch), watch->remote == NULL};
    }
    return count;
}

/* --- events --- */

static bool among(const char *const *names, const char *name)
{
    while (names != NULL && *names != NULL && strcmp(*names, name) != 0)
        names++;
    return names != NULL && *names != NULL;
}

static void note_interest(const struct interest *interest, enum watch_news news, bool written)
{
    note(interest->client, among(interest->client->apart, interest->name) ? WATCH_APART : news, written);
}

static void tell_all(struct watch_set *set)
{
    for (struct watch_client *client; (client = set->told) != NULL;) {
        enum watch_news news = client->news;
        set->told = client->next_told;
        client->news = WATCH_NOTHING;
        client->tell(client->owner, news);
    }
}

static bool only_written(const struct inotify_event *event)
{
    return (event->mask & ~(uint32_t)(IN_MODIFY | IN_CLOSE_WRITE)) == 0;
}

static void weigh_file(struct watch *watch, const struct inotify_event *event)
{
    if ((event->mask & IN_IGNORED) != 0)
        return; /* replaced or deleted: its directory told */
    for (size_t i = 0; i < watch->count; i++)
        note_interest(&watch->interests[i], (event->mask & ~(uint32_t)IN_MODIFY) == 0 ? WATCH_WRITING : WATCH_CHANGE,
                      only_written(event));
}

static void note_named(const struct watch *watch, const char *name, bool written)
{
    for (size_t i = first_of(watch, name); i < watch->count && strcmp(watch->interests[i].name, name) == 0; i++)
        note_interest(&watch->interests[i], WATCH_CHANGE, written);
}

static void weigh_directory(struct watch *watch, const struct inotify_event *event)
{
    if ((event->mask & SELF_EVENTS) != 0)
        for (size_t i = 0; i < watch->count; i++)
            note(watch->interests[i].client, WATCH_CHANGE, false);
    else if (event->len > 0) {
        note_named(watch, event->name, only_written(event));
        note_named(watch, ANY_ENTRY, false);
    }
}

/* Nobody knows what was lost: watches that the kernel took away among it. */
static void begin_again(struct watch_set *set)
{
    for (struct watch_client *client = set->clients; client != NULL; client = client->next) {
        for (size_t i = 0; i < client->count; i++)
            stop(set, client->watches[i]);
        note(client, WATCH_CHANGE, false);
    }
}

static void weigh(struct watch_set *set, const struct inotify_event *event)
{
    if ((event->mask & IN_Q_OVERFLOW) != 0)
        begin_again(set);
    if (event->wd < 0)
        return;
    for (struct watch *next, *watch = *bucket_of_descriptor(set, event->wd); watch != NULL; watch = next) {
        next = watch->next_of_descriptor;
        if (watch->descriptor != event->wd)
            continue;
        if (watch->file)
            weigh_file(watch, event);
        else
            weigh_directory(watch, event);
        if ((event->mask & IN_IGNORED) != 0) { /* the kernel took it away */
            unlink_descriptor(set, watch);
            watch->descriptor = -1;
        }
    }
}

static void look_again(const struct watch *watch, struct interest *interest)
{
    struct mark now = look(watch, interest);
    if (!must_look(watch, interest))
        note(interest->client, WATCH_CHANGE, false); /* watched from now on: what changed before is not known */
    else if (!same_mark(&now, &interest->mark))
        note_interest(interest, WATCH_CHANGE, false);
    interest->mark = now;
}

/* Also tries to watch what could not be watched. */
static void look_for(struct watch_set *set, struct watch_client *client)
{
    for (size_t i = 0; i < client->count; i++) {
        struct watch *watch = client->watches[i];
        if (watch->error != 0 && watch->descriptor < 0)
            start(set, watch);
        for (size_t k = 0; k < watch->count; k++)
            if (watch->interests[k].client == client && watch->interests[k].looked_at)
                look_again(watch, &watch->interests[k]);
    }
}

static void look_for_all(struct watch_set *set)
{
    if (set->queue < 0)
        open_queue(set);
    for (struct watch_client *client = set->clients; client != NULL; client = client->next)
        if (client->looks)
            look_for(set, client);
}

void watch_set_drain(struct watch_set *set)
{
    _Alignas(struct inotify_event) char buffer[16384];
    for (ssize_t len; set->queue >= 0 && (len = read(set->queue, buffer, sizeof buffer)) > 0;)
        for (ssize_t at = 0; at < len;) {
            const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
            weigh(set, event);
            at += (ssize_t)(sizeof *event + event->len);
        }
    uint64_t ticks;
    if (read(set->timer, &ticks, sizeof ticks) == sizeof ticks)
        look_for_all(set);
    tell_all(set);
}

int watch_set_mounts_fd(const struct watch_set *set)
{
    return set->mounts;
}

void watch_set_remounted(struct watch_set *set)
{
    for (struct watch_client *client = set->clients; client != NULL; client = client->next)
        for (size_t i = 0; i < client->count; i++)
            if (client->watches[i]->descriptor >= 0 && !still_there(client->watches[i]))
                note(client, WATCH_CHANGE, false);
    tell_all(set);
}
