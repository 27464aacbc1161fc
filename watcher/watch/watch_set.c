#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { GONE = IN_UNMOUNT | IN_IGNORED, SELF_EVENTS = IN_DELETE_SELF | IN_MOVE_SELF | GONE, MAX_WALKS = 8 };

int watch_set_open(struct watch_set **ret)
{
    struct watch_set *set = calloc(1, sizeof *set);
    if (set == NULL)
        return -ENOMEM;
    (void)pthread_mutex_init(&set->lock, NULL);
    set->queue = -1;
    set->fd = epoll_create1(EPOLL_CLOEXEC);
    set->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    set->mounts_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    set->mounts_seen = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (set->fd < 0 || set->timer < 0 || !watch_wait_on(set, set->timer)) {
        int error = -errno;
        watch_set_close(set);
        return error;
    }
    watch_queue_open(set);
    watch_mounts_read(set);
    *ret = set;
    return 0;
}

struct watch_client *watch_client_create(struct watch_set *set, const char *const *apart, watch_tell *tell, void *owner)
{
    struct watch_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return NULL;
    *client = (struct watch_client){.set = set,
                                    .next = set->clients,
                                    .apart = apart,
                                    .tell = tell,
                                    .owner = owner,
                                    .stale = true}; /* clients come and go in the loop */
    (void)pthread_mutex_lock(&set->lock);
    set->clients = client;
    (void)pthread_mutex_unlock(&set->lock);
    return client;
}

void watch_client_destroy(struct watch_client *client)
{
    if (client == NULL)
        return;
    struct watch_set *set = client->set;
    struct watch_client **at = &set->clients;
    (void)pthread_mutex_lock(&set->lock);
    client->round++;
    watch_sweep(client);
    watch_looks(client, false);
    while (*at != client)
        at = &(*at)->next;
    *at = client->next;
    for (at = &set->told; *at != NULL && *at != client;) /* another one's news may end this one */
        at = &(*at)->next_told;
    if (*at == client)
        *at = client->next_told;
    (void)pthread_mutex_unlock(&set->lock);
    free(client->watches);
    free(client);
}

void watch_set_close(struct watch_set *set)
{
    if (set == NULL)
        return;
    while (set->clients != NULL)
        watch_client_destroy(set->clients);
    watch_queue_close();
    const int fds[] = {set->fd, set->timer, set->mounts_fd, set->mounts_seen};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    watch_mounts_forget(&set->mounts);
    (void)pthread_mutex_destroy(&set->lock);
    free(set);
}

int watch_set_fd(const struct watch_set *set)
{
    return set->fd;
}

int watch_set_mounts_fd(const struct watch_set *set)
{
    return set->mounts_fd;
}

/* --- what is watched --- */

/* The events that tell of it may wait in the queue, and will belong to nothing; of a mount there is none. The end
 * of the watch is an event, too, so that the others are told soon. True: CLIENT, who is not told, has lost more
 * than names that it is told of apart. */
static bool give_up(const struct watch_client *client, struct watch *watch)
{
    bool lost = false;
    for (size_t i = 0; watch->descriptor >= 0 && i < watch->count; i++)
        if (watch->interests[i].client != client)
            watch_note(watch->interests[i].client, WATCH_CHANGE, false);
        else
            lost = lost || !watch->interests[i].apart;
    watch_stop(client->set, watch);
    return lost;
}

/* True: what was found when CLIENT's paths were walked may have changed before it was watched. */
static bool start_all(struct watch_client *client)
{
    bool again = false;
    for (size_t i = 0; i < client->count; i++) {
        struct watch *watch = client->watches[i];
        bool same = watch->descriptor >= 0 && watch->events == watch_events_of(watch);
        if (same)
            continue;
        watch_start(client->set, watch);
        again = again || (watch->descriptor >= 0 && !watch->file);
    }
    return again;
}

/* Gives up what is no longer there. False: that cannot be asked without waiting. */
static bool keep_what_is_there(struct watch_client *client, bool *ret_lost)
{
    for (size_t i = 0; i < client->count; i++) {
        struct watch *watch = client->watches[i];
        client->met = client->met || watch_is_foreign(client->set, watch->path);
        if (client->met && !client->waits)
            return false;
        if (!watch_still_there(client->set, watch))
            *ret_lost = give_up(client, watch) || *ret_lost;
    }
    return true;
}

/* False: a way leads where it cannot be gone without waiting. */
static bool walk_all(struct watch_client *client, const char *const *paths, size_t count)
{
    client->round++;
    for (size_t i = 0; i < count; i++)
        watch_walk(client, paths[i]);
    if (client->starved || (client->met && !client->waits))
        return false;
    watch_sweep(client);
    return true;
}

static bool update(struct watch_client *client, const char *const *paths, size_t count)
{
    bool lost = false;
    bool again;
    watch_mounts_refresh(client->set);
    client->met = client->foreign && !client->waits; /* until somebody has the time to see whether it still is */
    client->stale = client->starved = false;
    again = keep_what_is_there(client, &lost);
    for (int walks = 0; again && walks < MAX_WALKS; walks++)
        again = walk_all(client, paths, count) && start_all(client);
    client->foreign = client->met || (client->starved && client->foreign);
    if (client->starved)
        return lost;
    if (!client->met || client->waits)
        return watch_take_marks(client) || lost;
    client->stale = true;
    return false;
}

bool watch_client_update(struct watch_client *client, const char *const *paths, size_t count, bool wait)
{
    (void)pthread_mutex_lock(&client->set->lock);
    client->waits = wait;
    bool changed = update(client, paths, count);
    (void)pthread_mutex_unlock(&client->set->lock);
    return changed;
}

void watch_client_look(struct watch_client *client)
{
    (void)pthread_mutex_lock(&client->set->lock);
    watch_look(client);
    (void)pthread_mutex_unlock(&client->set->lock);
}

void watch_client_remind(struct watch_client *client)
{
    (void)pthread_mutex_lock(&client->set->lock);
    watch_starve(client);
    (void)pthread_mutex_unlock(&client->set->lock);
}

bool watch_client_is_foreign(const struct watch_client *client)
{
    (void)pthread_mutex_lock(&client->set->lock);
    bool foreign = client->foreign;
    (void)pthread_mutex_unlock(&client->set->lock);
    return foreign;
}

void watch_client_touching(const struct watch_client *client, char *path, size_t size)
{
    (void)pthread_mutex_lock(&client->set->lock);
    (void)snprintf(path, size, "%s", client->touching);
    (void)pthread_mutex_unlock(&client->set->lock);
}

bool watch_client_is_stale(const struct watch_client *client)
{
    (void)pthread_mutex_lock(&client->set->lock);
    bool stale = client->stale;
    (void)pthread_mutex_unlock(&client->set->lock);
    return stale;
}

unsigned watch_client_saved(const struct watch_client *client)
{
    (void)pthread_mutex_lock(&client->set->lock);
    unsigned saved = client->saved;
    (void)pthread_mutex_unlock(&client->set->lock);
    return saved;
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
    (void)pthread_mutex_lock(&client->set->lock);
    for (size_t i = 0; i < client->count; i++) {
        const struct watch *watch = client->watches[i];
        bool looked = false;
        for (size_t k = 0; !looked && k < watch->count; k++)
            looked = watch->interests[k].client == client && watch_must_look(watch, &watch->interests[k]);
        if (looked && count++ < room)
            gaps[count - 1] = (struct watch_gap){watch->path, why(watch), watch->remote == NULL};
    }
    (void)pthread_mutex_unlock(&client->set->lock);
    return count;
}

/* --- what happened --- */

static bool only_written(const struct inotify_event *event)
{
    return (event->mask & ~(uint32_t)(IN_MODIFY | IN_CLOSE_WRITE)) == 0;
}

static void weigh_file(struct watch *watch, const struct inotify_event *event)
{
    if ((event->mask & IN_IGNORED) != 0)
        return; /* replaced or deleted: its directory told */
    /* The loss of a name is an IN_ATTRIB, too. */
    bool halfway = (event->mask & ~(uint32_t)(IN_MODIFY | IN_ATTRIB)) == 0;
    for (size_t i = 0; i < watch->count; i++)
        watch_note_interest(&watch->interests[i], halfway ? WATCH_WRITING : WATCH_CHANGE, only_written(event));
}

/* Whoever deletes one thing may be deleting the rest: what we wrote at once would be in the way. */
static bool goes_away(const struct inotify_event *event)
{
    return (event->mask & (IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_IGNORED)) != 0;
}

static void note_named(const struct watch *watch, const char *name, const struct inotify_event *event)
{
    const bool saved = (event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0;
    for (size_t i = watch_first_of(watch, name); i < watch->count && strcmp(watch->interests[i].name, name) == 0; i++) {
        const struct interest *interest = &watch->interests[i];
        interest->client->saved += saved && !interest->apart;
        if (goes_away(event))
            watch_note(interest->client, WATCH_WRITING, false);
        else
            watch_note_interest(interest, WATCH_CHANGE, only_written(event));
    }
}

static void weigh_directory(struct watch *watch, const struct inotify_event *event)
{
    if ((event->mask & SELF_EVENTS) != 0)
        for (size_t i = 0; i < watch->count; i++)
            watch_note(watch->interests[i].client, goes_away(event) ? WATCH_WRITING : WATCH_CHANGE, false);
    else if (event->len > 0) {
        note_named(watch, event->name, event);
        note_named(watch, ANY_ENTRY, event);
    }
}

/* Nobody knows what was lost: watches that the kernel took away among it. */
static void begin_again(struct watch_set *set)
{
    for (struct watch_client *client = set->clients; client != NULL; client = client->next) {
        for (size_t i = 0; i < client->count; i++)
            watch_stop(set, client->watches[i]);
        watch_note(client, WATCH_CHANGE, false);
    }
}

static void weigh(struct watch_set *set, const struct inotify_event *event)
{
    if ((event->mask & IN_Q_OVERFLOW) != 0)
        begin_again(set);
    if (event->wd < 0)
        return;
    if (watch_with(set, event->wd, NULL) == NULL)
        set->unclaimed++;
    for (struct watch *next, *watch = watch_with(set, event->wd, NULL); watch != NULL; watch = next) {
        next = watch_with(set, event->wd, watch);
        if (watch->file)
            weigh_file(watch, event);
        else
            weigh_directory(watch, event);
        if ((event->mask & IN_IGNORED) != 0)
            watch_ended(set, watch);
    }
}

/* One whose file system may not answer looks in a thread of its owner's. */
static void look_at_all(struct watch_set *set)
{
    for (struct watch_client *client = set->clients; client != NULL; client = client->next)
        if (client->starved)
            watch_note(client, WATCH_CHANGE, false);
        else if (client->looks && client->foreign)
            watch_note(client, WATCH_LOOK, true);
        else if (client->looks)
            watch_look(client);
}

void watch_set_drain(struct watch_set *set)
{
    _Alignas(struct inotify_event) char buffer[16384];
    (void)pthread_mutex_lock(&set->lock);
    for (ssize_t len; set->queue >= 0 && (len = read(set->queue, buffer, sizeof buffer)) > 0;)
        for (ssize_t at = 0; at < len;) {
            const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
            weigh(set, event);
            at += (ssize_t)(sizeof *event + event->len);
        }
    uint64_t ticks;
    if (read(set->timer, &ticks, sizeof ticks) == sizeof ticks)
        look_at_all(set);
    (void)pthread_mutex_unlock(&set->lock);
    watch_tell_all(set);
}

void watch_set_remounted(struct watch_set *set)
{
    (void)pthread_mutex_lock(&set->lock);
    watch_mounts_read(set);
    for (struct watch_client *client = set->clients; client != NULL; client = client->next) {
        bool other = client->foreign || client->looks;
        for (size_t i = 0; !other && i < client->count; i++) {
            const struct watch *watch = client->watches[i];
            other = watch_is_foreign(set, watch->path) || (watch->descriptor >= 0 && !watch_still_there(set, watch));
        }
        if (other)
            watch_note(client, WATCH_CHANGE, false);
    }
    (void)pthread_mutex_unlock(&set->lock);
    watch_tell_all(set);
}

void watch_set_tell(struct watch_set *set)
{
    watch_tell_all(set);
}
