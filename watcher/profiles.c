#include "profiles.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct profiles {
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

static bool is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool lies_in(const struct profiles *profiles, const char *home)
{
    size_t len = strlen(profiles->directory);
    return strncmp(home, profiles->directory, len) == 0 && home[len] == '/' && strchr(home + len + 1, '/') == NULL;
}

static void remove_vanished(struct profiles *profiles)
{
    struct watcher *w = profiles->watcher;
    for (size_t i = w->count; i > 0; i--)
        if (w->homes[i - 1]->discovered && lies_in(profiles, w->homes[i - 1]->path) &&
            !is_directory(w->homes[i - 1]->path))
            watcher_remove(w, w->homes[i - 1]);
}

static void add_new(struct profiles *profiles)
{
    char path[PATH_MAX];
    DIR *directory = opendir(profiles->directory);
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        if (!is_id(entry->d_name) ||
            snprintf(path, sizeof path, "%s/%s", profiles->directory, entry->d_name) >= PATH_MAX)
            continue;
        if (watcher_find(profiles->watcher, path) != NULL || !is_directory(path))
            continue;
        struct home_watch *h = watcher_add(profiles->watcher, path, profiles->whole_path ? path : entry->d_name);
        if (h != NULL)
            h->discovered = true;
    }
    if (directory != NULL)
        (void)closedir(directory);
}

static void look(struct profiles *profiles)
{
    char any[PATH_MAX];
    const char *path = any;
    (void)snprintf(any, sizeof any, "%s/*", profiles->directory);
    (void)watch_client_update(profiles->watches, &path, 1); /* first: what appears from here on is told */
    remove_vanished(profiles);
    add_new(profiles);
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
    (void)sd_event_source_set_enabled(profiles->look, SD_EVENT_ONESHOT);
}

struct profiles *profiles_create(struct watcher *watcher, const char *home, bool whole_path)
{
    struct profiles *profiles = calloc(1, sizeof *profiles);
    if (profiles == NULL)
        return NULL;
    *profiles = (struct profiles){.watcher = watcher, .whole_path = whole_path};
    if (asprintf(&profiles->directory, "%s/profiles", home) < 0 ||
        sd_event_add_defer(watcher->commons.event, &profiles->look, at_look, profiles) < 0) {
        profiles_destroy(profiles);
        return NULL;
    }
    profiles->watches = watch_client_create(watcher->commons.watches, NULL, at_news, profiles);
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
    free(profiles->directory);
    free(profiles);
}
