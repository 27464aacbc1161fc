#include "profiles.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct profiles {
    struct job job; /* a look */
    bool busy;      /* it is under way; what follows is its own */
    bool again;     /* something has happened since it began */
    bool known;     /* it could be seen which profiles there are */
    bool starved;   /* memory ran out: it is looked again */
    char **ids;
    size_t id_count;
    struct watcher *watcher;
    char *directory; /* <home>/profiles */
    bool whole_path;
    struct watch_client *watches;
    sd_event_source *look; /* due when something appeared or vanished */
};

/* Hermes's rule: ^[a-z0-9][a-z0-9_-]{0,63}$ */
static bool is_id(const char *name)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char all[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t len = strlen(name);
    return len > 0 && len <= 64 && strchr(first, *name) != NULL && strspn(name, all) == len;
}

/* Or it cannot be said. */
static bool is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? S_ISDIR(st.st_mode) : errno != ENOENT && errno != ENOTDIR && errno != ELOOP;
}

static bool lies_in(const struct profiles *profiles, const char *home)
{
    size_t len = strlen(profiles->directory);
    return strncmp(home, profiles->directory, len) == 0 && home[len] == '/' && strchr(home + len + 1, '/') == NULL;
}

static void forget_ids(struct profiles *profiles)
{
    for (size_t i = 0; i < profiles->id_count; i++)
        free(profiles->ids[i]);
    free(profiles->ids);
    profiles->ids = NULL;
    profiles->id_count = 0;
}

static bool has_id(const struct profiles *profiles, const char *id)
{
    for (size_t i = 0; i < profiles->id_count; i++)
        if (strcmp(profiles->ids[i], id) == 0)
            return true;
    return false;
}

static void take_id(struct profiles *profiles, const char *id)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", profiles->directory, id) >= PATH_MAX || !is_directory(path))
        return;
    char **ids = realloc(profiles->ids, (profiles->id_count + 1) * sizeof *ids);
    char *copy = strdup(id);
    profiles->starved = profiles->starved || ids == NULL || copy == NULL;
    if (ids != NULL)
        profiles->ids = ids;
    if (ids != NULL && copy != NULL)
        ids[profiles->id_count++] = copy;
    else
        free(copy);
}

/* An answer that is none, because a server is away, says nothing of what there is. */
static void ask(struct job *job)
{
    struct profiles *profiles = (struct profiles *)job;
    char any[PATH_MAX];
    const char *path = any;
    (void)snprintf(any, sizeof any, "%s/*", profiles->directory);
    /* first: what appears from here on is told */
    (void)watch_client_update(profiles->watches, &path, 1, job->apart);
    if (!job->apart && watch_client_is_foreign(profiles->watches))
        return;
    forget_ids(profiles);
    DIR *directory = opendir(profiles->directory);
    profiles->starved = directory == NULL && errno == ENOMEM;
    profiles->known = directory != NULL || errno == ENOENT || errno == ENOTDIR;
    errno = 0;
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL; errno = 0)
        if (is_id(entry->d_name))
            take_id(profiles, entry->d_name);
    profiles->known = profiles->known && errno == 0 && !profiles->starved;
    if (directory != NULL)
        (void)closedir(directory);
}

static void work(struct job *job)
{
    job_ask(job, ask);
}

static void remove_vanished(const struct profiles *profiles)
{
    struct watcher *w = profiles->watcher;
    for (size_t i = w->count; i > 0; i--) {
        struct home_watch *h = w->homes[i - 1];
        if (h->discovered && lies_in(profiles, h->path) && !has_id(profiles, strrchr(h->path, '/') + 1))
            watcher_remove(w, h);
    }
}

static void add_new(struct profiles *profiles)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < profiles->id_count; i++) {
        const char *id = profiles->ids[i];
        (void)snprintf(path, sizeof path, "%s/%s", profiles->directory, id);
        if (watcher_find(profiles->watcher, path) != NULL)
            continue;
        struct home_watch *h = watcher_add(profiles->watcher, path, profiles->whole_path ? path : id);
        if (h != NULL)
            h->discovered = true;
        else
            profiles->starved = true;
    }
}

static void look(struct profiles *profiles);

static void done(struct job *job)
{
    struct profiles *profiles = (struct profiles *)job;
    profiles->busy = false;
    if (profiles->known) {
        remove_vanished(profiles);
        add_new(profiles);
    }
    forget_ids(profiles);
    if (profiles->starved)
        watch_client_remind(profiles->watches);
    if (profiles->again || (!job->apart && watch_client_is_foreign(profiles->watches)))
        look(profiles);
}

/* In a thread, where the file system may not answer. */
static void look(struct profiles *profiles)
{
    profiles->again = profiles->busy;
    if (profiles->busy)
        return;
    profiles->busy = true;
    profiles->known = false;
    profiles->job = (struct job){work, done, .apart = watch_client_is_foreign(profiles->watches)};
    if (profiles->job.apart) {
        jobs_start(profiles->watcher->commons.jobs, &profiles->job);
    } else {
        work(&profiles->job);
        done(&profiles->job);
    }
}

static int at_look(sd_event_source *source, void *data)
{
    (void)source;
    look(data);
    return 0;
}

static void at_news(void *data, enum watch_news news)
{
    struct profiles *profiles = data;
    (void)news;
    if (sd_event_source_set_enabled(profiles->look, SD_EVENT_ONESHOT) < 0)
        watch_client_remind(profiles->watches);
}

struct profiles *profiles_create(struct watcher *watcher, const char *home, bool whole_path)
{
    struct profiles *profiles = calloc(1, sizeof *profiles);
    if (profiles == NULL)
        return NULL;
    *profiles = (struct profiles){.watcher = watcher, .whole_path = whole_path};
    profiles->watches = watch_client_create(watcher->commons.watches, NULL, at_news, profiles);
    if (profiles->watches == NULL || asprintf(&profiles->directory, "%s/profiles", home) < 0 ||
        sd_event_add_defer(watcher->commons.event, &profiles->look, at_look, profiles) < 0) {
        profiles_destroy(profiles);
        return NULL;
    }
    (void)sd_event_source_set_enabled(profiles->look, SD_EVENT_OFF);
    look(profiles);
    return profiles;
}

void profiles_destroy(struct profiles *profiles)
{
    if (profiles == NULL)
        return;
    (void)sd_event_source_disable_unref(profiles->look);
    watch_client_destroy(profiles->watches);
    forget_ids(profiles);
    free(profiles->directory);
    free(profiles);
}
