#include "watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

/* No timer runs when there is nothing to look at. */
void watch_looks(struct watch_client *client, bool looks)
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

bool watch_must_look(const struct watch *watch, const struct interest *interest)
{
    return watch->remote != NULL || (watch->error != 0 && !(watch->error == EACCES && interest->passage));
}

/* A file system's clock stands still for some milliseconds. */
static bool is_young(struct timespec changed)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    long long age_ms = (now.tv_sec - changed.tv_sec) * 1000LL + (now.tv_nsec - changed.tv_nsec) / 1000000;
    return age_ms > -100 && age_ms < 100;
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
        mark.young = is_young(st.st_ctim);
    }
    return mark;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* For sure: one that was young may have changed unseen. */
static bool same_mark(const struct mark *now, const struct mark *before)
{
    return !before->young && now->device == before->device && now->inode == before->inode &&
           now->mode == before->mode && now->size == before->size && same_time(now->modified, before->modified) &&
           same_time(now->changed, before->changed);
}

bool watch_take_marks(struct watch_client *client)
{
    bool looks = false;
    bool other = false;
    for (size_t i = 0; i < client->count; i++) {
        struct watch *watch = client->watches[i];
        for (size_t k = 0; k < watch->count; k++) {
            struct interest *interest = &watch->interests[k];
            if (interest->client != client)
                continue;
            bool before = interest->looked_at;
            interest->looked_at = watch_must_look(watch, interest);
            if (interest->looked_at && !before) /* a change since the last look is still to be told */
                interest->mark = look(watch, interest);
            other = other || (interest->looked_at != before && !interest->apart);
            looks = looks || interest->looked_at;
        }
    }
    watch_looks(client, looks);
    return other;
}

static void look_again(const struct watch *watch, struct interest *interest)
{
    struct mark now = look(watch, interest);
    if (!watch_must_look(watch, interest))
        watch_note(interest->client, WATCH_CHANGE, false); /* watched from now on: what changed before is not known */
    else if (!same_mark(&now, &interest->mark))
        watch_note_interest(interest, WATCH_CHANGE, false);
    interest->mark = now;
}

static void look_for(struct watch_set *set, struct watch_client *client)
{
    for (size_t i = 0; i < client->count; i++) {
        struct watch *watch = client->watches[i];
        if (watch->error != 0 && watch->descriptor < 0)
            watch_start(set, watch);
        for (size_t k = 0; k < watch->count; k++)
            if (watch->interests[k].client == client && watch->interests[k].looked_at)
                look_again(watch, &watch->interests[k]);
    }
}

void watch_look(struct watch_set *set)
{
    if (set->queue < 0)
        watch_queue_open(set);
    for (struct watch_client *client = set->clients; client != NULL; client = client->next)
        if (client->looks)
            look_for(set, client);
}
