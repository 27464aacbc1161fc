#include "watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include "clock.h"

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

void watch_starve(struct watch_client *client)
{
    client->starved = client->stale = true;
    watch_looks(client, true);
}

bool watch_must_look(const struct watch *watch, const struct interest *interest)
{
    return watch->remote != NULL || interest->unknown ||
           (watch->error != 0 && !(watch->error == EACCES && interest->passage));
}

/* A file system's clock stands still for some milliseconds. */
static bool is_young(struct timespec changed)
{
    long long age_ms = clock_wall_age_ms(changed);
    return age_ms > -100 && age_ms < 100;
}

static struct mark look(struct watch_client *client, const struct watch *watch, const char *name)
{
    char path[PATH_MAX + NAME_MAX + 2];
    struct stat st;
    bool any = strcmp(name, ANY_ENTRY) == 0;
    bool itself = watch->file || any;
    (void)snprintf(path, sizeof path, "%s%s%s", watch->path, itself ? "" : "/", itself ? "" : name);
    (void)snprintf(client->touching, sizeof client->touching, "%.4095s", path);
    if (watch_lstat(client->set, path, &st) < 0)
        return (struct mark){.error = errno == ENOENT || errno == ENOTDIR ? 0 : errno};
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
    return !before->young && now->error == before->error && now->device == before->device &&
           now->inode == before->inode && now->mode == before->mode && now->size == before->size &&
           same_time(now->modified, before->modified) && same_time(now->changed, before->changed);
}

/* Those of a client's interests, which stay where they are while a file system is asked: NAME is the client's own. */
struct looked {
    struct watch *watch;
    const char *name;
};

static struct interest *find(const struct looked *looked, const struct watch_client *client)
{
    size_t at = watch_first_of(looked->watch, looked->name);
    while (looked->watch->interests[at].client != client)
        at++;
    return &looked->watch->interests[at];
}

/* Those that are looked at, where LOOKED_AT, or the others that must be from now on: *RET_COUNT of *RET, to be freed.
 * False: there is no memory for the list. */
static bool list(const struct watch_client *client, bool looked_at, struct looked **ret, size_t *ret_count)
{
    *ret = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < client->count; i++) {
        struct watch *watch = client->watches[i];
        for (size_t k = 0; k < watch->count; k++) {
            const struct interest *interest = &watch->interests[k];
            bool wanted = interest->client == client && interest->looked_at == looked_at &&
                          (looked_at || watch_must_look(watch, interest));
            if (!wanted)
                continue;
            struct looked *more = realloc(*ret, (*ret_count + 1) * sizeof *more);
            if (more == NULL)
                return false;
            more[(*ret_count)++] = (struct looked){watch, interest->name};
            *ret = more;
        }
    }
    return true;
}

bool watch_take_marks(struct watch_client *client)
{
    bool looks = false;
    bool other = false;
    size_t count;
    struct looked *fresh;
    const bool all = list(client, false, &fresh, &count);
    for (size_t i = 0; all && i < count; i++) { /* a change since the last look is still to be told */
        struct mark mark = look(client, fresh[i].watch, fresh[i].name);
        find(&fresh[i], client)->mark = mark;
    }
    free(fresh);
    if (!all) {
        watch_starve(client);
        return false;
    }
    for (size_t i = 0; i < client->count; i++) {
        struct watch *watch = client->watches[i];
        for (size_t k = 0; k < watch->count; k++) {
            struct interest *interest = &watch->interests[k];
            if (interest->client != client)
                continue;
            bool before = interest->looked_at;
            interest->looked_at = watch_must_look(watch, interest);
            other = other || (interest->looked_at != before && !interest->apart);
            looks = looks || interest->looked_at;
        }
    }
    watch_looks(client, looks);
    return other;
}

static void look_again(struct watch_client *client, const struct looked *looked)
{
    struct mark now = look(client, looked->watch, looked->name);
    struct interest *interest = find(looked, client);
    if (!watch_must_look(looked->watch, interest))
        watch_note(client, WATCH_CHANGE, false); /* watched from now on: what changed before is not known */
    else if (!same_mark(&now, &interest->mark))
        watch_note_interest(interest, WATCH_CHANGE, false);
    interest->mark = now;
}

void watch_look(struct watch_client *client)
{
    size_t count;
    struct looked *all;
    if (client->set->queue < 0)
        watch_queue_open(client->set);
    for (size_t i = 0; i < client->count; i++)
        if (client->watches[i]->error != 0 && client->watches[i]->descriptor < 0)
            watch_start(client->set, client->watches[i]);
    const bool whole = list(client, true, &all, &count);
    for (size_t i = 0; whole && i < count; i++) /* else the next look finds what this one would have */
        look_again(client, &all[i]);
    free(all);
}
